package converter

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/millrace-dev/millrace/api/common"
)

const (
	encodePath   = "/encode"
	decodePath   = "/decode"
	downloadPath = "/download"

	// maxCodecBody bounds in bytes a request to, and an answer of, a codec server.
	maxCodecBody = 256 << 20
)

// change is what one route does to the payloads of a request.
type change func(r *http.Request, payloads []*common.Payload) ([]*common.Payload, error)

// payloadHandler serves changes by the end of the path, so that it can be mounted anywhere.
type payloadHandler struct {
	routes map[string]change
}

// NewPayloadCodecHTTPHandler returns a codec server: POST requests whose path ends in /encode and /decode are answered
// with what the codecs make of their payloads, in the order of NewCodecDataConverter. Body and answer are JSON,
// {"payloads":[{"metadata":{"encoding":"base64"},"data":"base64"}]}, as Temporal's tools send it. It neither checks who
// asks nor allows browsers of other origins to ask: wrap it for that.
func NewPayloadCodecHTTPHandler(e ...PayloadCodec) http.Handler {
	codecs := append([]PayloadCodec(nil), e...)
	return &payloadHandler{routes: map[string]change{
		encodePath: func(_ *http.Request, payloads []*common.Payload) ([]*common.Payload, error) {
			return encodeAll(codecs, payloads)
		},
		decodePath: func(_ *http.Request, payloads []*common.Payload) ([]*common.Payload, error) {
			return decodeAll(codecs, payloads)
		},
	}}
}

// PayloadHTTPHandlerOptions are the options of NewPayloadHTTPHandler. Codecs are listed as for NewCodecDataConverter.
type PayloadHTTPHandlerOptions struct {
	// PostStorageCodecs encode what goes into histories, references included.
	PostStorageCodecs []PayloadCodec
	// PreStorageCodecs encode payloads before they are stored.
	PreStorageCodecs []PayloadCodec
	// ExternalStorage stores large payloads.
	ExternalStorage ExternalStorage
}

// NewPayloadHTTPHandler returns a codec server that knows large payloads: /encode stores them and answers with
// references, /decode leaves references alone, so that looking at a history loads nothing large, and /download answers
// with what references stand for. In all else it is like NewPayloadCodecHTTPHandler. Options that NewPayloadStore
// refuses are an error; no drivers at all are fine and mean that there are no references.
func NewPayloadHTTPHandler(options PayloadHTTPHandlerOptions) (http.Handler, error) {
	var store *PayloadStore
	if storage := options.ExternalStorage; len(storage.Drivers) > 0 || storage.DriverSelector != nil {
		var err error
		if store, err = NewPayloadStore(storage); err != nil {
			return nil, err
		}
	}
	pre, post := append([]PayloadCodec(nil), options.PreStorageCodecs...), append([]PayloadCodec(nil), options.PostStorageCodecs...)
	return &payloadHandler{routes: map[string]change{
		encodePath: func(r *http.Request, payloads []*common.Payload) ([]*common.Payload, error) {
			encoded, err := encodeAll(pre, payloads)
			if err == nil && store != nil {
				encoded, err = store.Store(StorageDriverStoreContext{Context: r.Context()}, encoded)
			}
			if err != nil {
				return nil, err
			}
			return encodeAll(post, encoded)
		},
		decodePath: func(_ *http.Request, payloads []*common.Payload) ([]*common.Payload, error) {
			decoded, err := decodeAll(post, payloads)
			if err != nil {
				return nil, err
			}
			return decodeInline(pre, decoded)
		},
		downloadPath: func(r *http.Request, payloads []*common.Payload) ([]*common.Payload, error) {
			decoded, err := decodeAll(post, payloads)
			if err == nil && store != nil {
				decoded, err = store.Retrieve(StorageDriverRetrieveContext{Context: r.Context()}, decoded)
			}
			if err != nil {
				return nil, err
			}
			return decodeAll(pre, decoded)
		},
	}}, nil
}

// decodeInline decodes the payloads that are not references.
func decodeInline(codecs []PayloadCodec, payloads []*common.Payload) ([]*common.Payload, error) {
	result := append([]*common.Payload(nil), payloads...)
	for i, p := range payloads {
		if IsReference(p) {
			continue
		}
		decoded, err := decodeAll(codecs, []*common.Payload{p})
		if err != nil {
			return nil, err
		}
		result[i] = decoded[0]
	}
	return result, nil
}

// ServeHTTP answers one request. Payloads that cannot be changed are the caller's fault: 400.
func (h *payloadHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	route := h.route(r.URL.Path)
	switch {
	case route == nil:
		http.NotFound(w, r)
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "codec server: only POST is served", http.StatusMethodNotAllowed)
		return
	}
	var body common.Payloads
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxCodecBody)).Decode(&body); err != nil {
		status := http.StatusBadRequest
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(w, fmt.Sprintf("codec server: read payloads: %v", err), status)
		return
	}
	for i, p := range body.Payloads {
		if p == nil {
			http.Error(w, fmt.Sprintf("codec server: payload %d is null", i), http.StatusBadRequest)
			return
		}
	}
	changed, err := route(r, body.Payloads)
	if err != nil {
		http.Error(w, fmt.Sprintf("codec server: %v", err), http.StatusBadRequest)
		return
	}
	data, err := json.Marshal(&common.Payloads{Payloads: changed})
	if err != nil {
		http.Error(w, fmt.Sprintf("codec server: write payloads: %v", err), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(data) // whoever has gone needs no answer
}

func (h *payloadHandler) route(path string) change {
	for end, route := range h.routes {
		if strings.HasSuffix(path, end) {
			return route
		}
	}
	return nil
}
