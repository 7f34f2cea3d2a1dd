package zerolog_test

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"time"

	rs "github.com/rs/zerolog"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/contrib/zerolog"
	"github.com/millrace-dev/millrace/log"
)

func TestKeysBecomeFields(t *testing.T) {
	var out bytes.Buffer
	l := zerolog.New(rs.New(&out).Level(rs.InfoLevel))
	l.Debug("below the level", "a", 1)
	log.With(l, "queue", "main").Warn("late", "after", time.Second, "error", errors.New("no answer"), 5, 6, "odd")
	l.Error("plain")
	const want = `{"level":"warn","queue":"main","after":"1s","error":"no answer","5":6,"odd":"(missing)","message":"late"}` + "\n" +
		`{"level":"error","message":"plain"}` + "\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", &out, want)
	}
}

func ExampleNew() {
	options := client.Options{Logger: zerolog.New(rs.New(os.Stdout).With().Str("program", "orders").Logger())}
	options.Logger.Info("connected", "namespace", "default")
	// Output: {"level":"info","program":"orders","namespace":"default","message":"connected"}
}
