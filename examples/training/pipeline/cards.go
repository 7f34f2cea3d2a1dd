package pipeline

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/millrace-dev/millrace/examples/training/blobs"
	"github.com/millrace-dev/millrace/examples/training/weather"
)

// PublishFiles writes a card as <dir>/<name>/<date>.json and .md. Each file is replaced in one step, the page first: who
// finds the JSON finds the page too.
func PublishFiles(dir, name string, card weather.Card) error {
	if err := checkRange(name); err != nil {
		return err
	}
	dir = filepath.Join(dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("publish card of %s: %w", card.Data.LastDay, err)
	}
	encoded, err := card.JSON()
	if err != nil {
		return err
	}
	path := filepath.Join(dir, card.Data.LastDay.String())
	if err := blobs.WriteFile(path+".md", card.Markdown()); err != nil {
		return fmt.Errorf("publish card of %s: %w", card.Data.LastDay, err)
	}
	if err := blobs.WriteFile(path+".json", encoded); err != nil {
		return fmt.Errorf("publish card of %s: %w", card.Data.LastDay, err)
	}
	return nil
}
