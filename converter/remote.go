package converter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/millrace-dev/millrace/api/common"
)

// remoteTimeout bounds a request to a codec server where the client that was given sets no time-out.
const remoteTimeout = 30 * time.Second

// RemoteDataConverterOptions are the options of NewRemoteDataConverter, which mean what those of
// RemotePayloadCodecOptions do.
type RemoteDataConverterOptions struct {
	Endpoint      string
	ModifyRequest func(*http.Request) error
	Client        http.Client
}

// NewRemoteDataConverter returns a DataConverter that sends what parent makes through a codec server.
func NewRemoteDataConverter(parent DataConverter, options RemoteDataConverterOptions) DataConverter {
	return NewCodecDataConverter(parent, NewRemotePayloadCodec(RemotePayloadCodecOptions(options)))
}

// RemotePayloadCodecOptions are the options of NewRemotePayloadCodec.
type RemotePayloadCodecOptions struct {
	// Endpoint is the URL of the codec server, without /encode and /decode.
	Endpoint string
	// ModifyRequest changes each request before it is sent, for instance to add credentials. Nil leaves it as it is.
	ModifyRequest func(*http.Request) error
	// Client sends the requests. Without a Timeout of its own a request may take 30 seconds.
	Client http.Client
}

type remoteCodec struct {
	endpoint string
	modify   func(*http.Request) error
	client   http.Client
}

// NewRemotePayloadCodec returns a codec that leaves encoding and decoding to a codec server (see
// NewPayloadCodecHTTPHandler).
func NewRemotePayloadCodec(options RemotePayloadCodecOptions) PayloadCodec {
	c := &remoteCodec{endpoint: strings.TrimSuffix(options.Endpoint, "/"), modify: options.ModifyRequest, client: options.Client}
	if c.client.Timeout == 0 {
		c.client.Timeout = remoteTimeout
	}
	return c
}

// Encode asks the codec server to encode.
func (c *remoteCodec) Encode(payloads []*common.Payload) ([]*common.Payload, error) {
	return c.post(encodePath, payloads)
}

// Decode asks the codec server to decode.
func (c *remoteCodec) Decode(payloads []*common.Payload) ([]*common.Payload, error) {
	return c.post(decodePath, payloads)
}

func (c *remoteCodec) post(path string, payloads []*common.Payload) (_ []*common.Payload, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("codec server %s: %w", c.endpoint+path, err)
		}
	}()
	body, err := json.Marshal(&common.Payloads{Payloads: payloads})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequest(http.MethodPost, c.endpoint+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if c.modify != nil {
		if err := c.modify(request); err != nil {
			return nil, fmt.Errorf("modify request: %w", err)
		}
	}
	response, err := c.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxCodecBody+1))
	switch {
	case err != nil:
		return nil, err
	case len(answer) > maxCodecBody:
		return nil, fmt.Errorf("answer is larger than %d bytes", maxCodecBody)
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s: %.200s", response.Status, bytes.TrimSpace(answer))
	}
	var result common.Payloads
	if err := json.Unmarshal(answer, &result); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	return result.Payloads, nil
}
