package client

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/millrace-dev/millrace/api/common"
	apihistory "github.com/millrace-dev/millrace/api/history"
	"github.com/millrace-dev/millrace/converter"
)

// NewValue returns what decodes one encoded value, with the default data converter: heartbeat details of a description,
// for example.
func NewValue(data *common.Payloads) converter.EncodedValue {
	return converter.NewEncodedValue(data, converter.GetDefaultDataConverter())
}

// NewValues returns what decodes several encoded values, with the default data converter.
func NewValues(data *common.Payloads) converter.EncodedValues {
	return converter.NewEncodedValues(data, converter.GetDefaultDataConverter())
}

// HistoryJSONOptions are the options of HistoryFromJSON.
type HistoryJSONOptions struct {
	// LastEventID is the number of the last event to keep. Default: all are kept.
	LastEventID int64
}

// HistoryFromJSON reads a history that `millrace workflow show -o json` has written. It does not close r.
func HistoryFromJSON(r io.Reader, options HistoryJSONOptions) (*apihistory.History, error) {
	var h apihistory.History
	if err := json.NewDecoder(r).Decode(&h); err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	for i, e := range h.Events {
		if options.LastEventID > 0 && e.EventId > options.LastEventID {
			h.Events = h.Events[:i]
			break
		}
	}
	return &h, nil
}
