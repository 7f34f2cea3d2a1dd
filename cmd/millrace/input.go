package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
)

// input collects arguments that are given as JSON.
type input struct {
	values []string
	files  []string
}

func (i *input) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVarP(&i.values, "input", "i", nil, "one argument as JSON; repeat it for several")
	f.StringArrayVar(&i.files, "input-file", nil, "`file` that holds one argument as JSON, - for the standard input; repeat it for several")
}

// arguments are the values, then those of the files.
func (i *input) arguments(stdin io.Reader) ([]any, error) {
	var all []any
	for _, v := range i.values {
		if !json.Valid([]byte(v)) {
			return nil, usagef("--input %s: is not JSON (a text needs double quotes inside: --input '\"text\"')", shorten(v, 80))
		}
		all = append(all, rawJSON([]byte(v)))
	}
	for _, name := range i.files {
		data, err := readFile(name, stdin)
		if err != nil {
			return nil, fmt.Errorf("--input-file: %w", err)
		}
		if !json.Valid(data) {
			return nil, usagef("--input-file %s: is not one JSON value", name)
		}
		all = append(all, rawJSON(data))
	}
	return all, nil
}

func readFile(name string, stdin io.Reader) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(name)
}

// rawJSON passes JSON on as it stands.
func rawJSON(data []byte) converter.RawValue {
	return converter.NewRawValue(&common.Payload{
		Metadata: map[string][]byte{converter.MetadataEncoding: []byte(converter.MetadataEncodingJSON)}, Data: data,
	})
}

// payloadText shows payloads to people: JSON as it is, other values as the converter shows them.
func payloadText(p *common.Payloads) string {
	values := converter.GetDefaultDataConverter().ToStrings(p)
	text := ""
	for i, v := range values {
		if i > 0 {
			text += ", "
		}
		text += v
	}
	return text
}

// payloadJSON is one payload as a value for JSON output.
func payloadJSON(p *common.Payload) any {
	switch encoding := string(p.GetMetadata()[converter.MetadataEncoding]); {
	case p == nil || encoding == converter.MetadataEncodingNil:
		return nil
	case encoding == converter.MetadataEncodingJSON && json.Valid(p.Data):
		return json.RawMessage(p.Data)
	}
	return p
}
