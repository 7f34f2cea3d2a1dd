package encryption_test

import (
	"fmt"
	"strings"

	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/converter/encryption"
)

// Clients and workers get the same data converter, each with its own copy of the keys.
func ExampleNewCodec() {
	keys, err := encryption.ReadKeyRing(strings.NewReader(`
2026-11 qrPUi1cWzzLVxvTcM+B2XDJcFAqwCWUVKjc3xSm3yOQ=   # encrypts
2026-05 3s5cVFFsCY0NXwSVDRJ3kNnYOu5NIUrh0kPbcCSXBDY=   # still decrypts
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	dc := converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), encryption.NewCodec(keys, encryption.Options{}))

	p, err := dc.ToPayload("card number")
	if err != nil {
		fmt.Println(err)
		return
	}
	var back string
	err = dc.FromPayload(p, &back)
	fmt.Println(string(p.Metadata["encoding"]), string(p.Metadata["encryption-key-id"]), back, err)
	// Output: binary/encrypted 2026-11 card number <nil>
}
