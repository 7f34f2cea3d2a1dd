package converter

import (
	"encoding/json"
	"fmt"

	"github.com/millrace-dev/millrace/api/common"
)

const (
	// metadataEncodingReference marks a reference to a payload that is stored elsewhere.
	metadataEncodingReference = "json/external-storage-reference"
	// defaultThreshold is the default of ExternalStorage.PayloadSizeThreshold.
	defaultThreshold = 256 << 10
)

// PayloadStore replaces large payloads by references, and references by payloads. It is safe for concurrent use. Create
// it with NewPayloadStore.
type PayloadStore struct {
	drivers   map[string]StorageDriver
	first     StorageDriver
	selector  StorageDriverSelector
	threshold int
}

// Reference is what the data of a reference says, in JSON.
type Reference struct {
	// Driver is the name of the driver that stored the payload.
	Driver string `json:"driver_name"`
	// Claim is what the driver needs to find it.
	Claim StorageDriverClaim `json:"driver_claim"`
	// Size is the payload's in bytes, with its metadata.
	Size int `json:"size_bytes"`
}

// NewPayloadStore returns a PayloadStore that works as options say. No drivers, two drivers of one name, a driver
// without name and a negative threshold are errors.
func NewPayloadStore(options ExternalStorage) (*PayloadStore, error) {
	s := &PayloadStore{
		drivers: make(map[string]StorageDriver, len(options.Drivers)), selector: options.DriverSelector, threshold: options.PayloadSizeThreshold,
	}
	if s.threshold < 0 {
		return nil, fmt.Errorf("external storage: PayloadSizeThreshold is %d: it must not be negative", s.threshold)
	}
	if s.threshold == 0 {
		s.threshold = defaultThreshold
	}
	if len(options.Drivers) == 0 {
		return nil, fmt.Errorf("external storage: Drivers is empty")
	}
	for i, d := range options.Drivers {
		switch {
		case d == nil:
			return nil, fmt.Errorf("external storage: Drivers[%d] is nil", i)
		case d.Name() == "":
			return nil, fmt.Errorf("external storage: Drivers[%d] has no name", i)
		case s.drivers[d.Name()] != nil:
			return nil, fmt.Errorf("external storage: Drivers[%d] has the name %q of another", i, d.Name())
		}
		s.drivers[d.Name()] = d
	}
	s.first = options.Drivers[0]
	return s, nil
}

// IsReference says whether p stands for a payload that is stored elsewhere.
func IsReference(p *common.Payload) bool {
	return string(p.GetMetadata()[MetadataEncoding]) == metadataEncodingReference
}

// ReadReference returns what a reference says. It is an error when p is not a reference.
func ReadReference(p *common.Payload) (Reference, error) {
	var r Reference
	if !IsReference(p) {
		return r, fmt.Errorf("encoding %.64q is not that of a reference: %w", p.GetMetadata()[MetadataEncoding], ErrUnableToDecode)
	}
	if err := json.Unmarshal(p.GetData(), &r); err != nil {
		return r, fmt.Errorf("payload reference: %w: %w", ErrUnableToDecode, err)
	}
	return r, nil
}

// describeReference shows a reference to a person: the payload itself would be too long.
func describeReference(p *common.Payload) string {
	r, err := ReadReference(p)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d bytes, stored by %q", r.Size, r.Driver)
}

// Threshold is the size in bytes from which on a payload is large.
func (s *PayloadStore) Threshold() int { return s.threshold }

// Large says whether Store would store p, as far as its size decides that.
func (s *PayloadStore) Large(p *common.Payload) bool {
	return payloadSize(p) >= s.threshold && !IsReference(p)
}

// Store stores the payloads that are large and returns the list with references in their place; payloads itself when
// there are none.
func (s *PayloadStore) Store(ctx StorageDriverStoreContext, payloads []*common.Payload) ([]*common.Payload, error) {
	var result []*common.Payload
	for i, p := range payloads {
		if p == nil || !s.Large(p) {
			continue
		}
		driver, err := s.choose(ctx, p)
		if err != nil {
			return nil, err
		}
		if driver == nil {
			continue
		}
		reference, err := storeOne(ctx, driver, p)
		if err != nil {
			return nil, fmt.Errorf("store payload of %d bytes by driver %q: %w", payloadSize(p), driver.Name(), err)
		}
		if result == nil {
			result = append(result, payloads...)
		}
		result[i] = reference
	}
	if result == nil {
		return payloads, nil
	}
	return result, nil
}

func (s *PayloadStore) choose(ctx StorageDriverStoreContext, p *common.Payload) (StorageDriver, error) {
	if s.selector == nil {
		return s.first, nil
	}
	driver, err := s.selector.SelectDriver(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("select a storage driver: %w", err)
	}
	if driver != nil && s.drivers[driver.Name()] == nil {
		return nil, fmt.Errorf("select a storage driver: %q is not among ExternalStorage.Drivers", driver.Name())
	}
	return driver, nil
}

func storeOne(ctx StorageDriverStoreContext, driver StorageDriver, p *common.Payload) (*common.Payload, error) {
	claims, err := driver.Store(ctx, []*common.Payload{p})
	if err != nil {
		return nil, err
	}
	if len(claims) != 1 {
		return nil, fmt.Errorf("%d claims for one payload", len(claims))
	}
	data, err := json.Marshal(Reference{Driver: driver.Name(), Claim: claims[0], Size: payloadSize(p)})
	if err != nil {
		return nil, err
	}
	return newPayload(data, metadataEncodingReference), nil
}

// Retrieve returns the list with payloads in place of references; payloads itself when there are none. An error that
// wraps ErrPayloadLost is final.
func (s *PayloadStore) Retrieve(ctx StorageDriverRetrieveContext, payloads []*common.Payload) ([]*common.Payload, error) {
	var result []*common.Payload
	for i, p := range payloads {
		if !IsReference(p) {
			continue
		}
		whole, err := s.retrieveOne(ctx, p)
		if err != nil {
			return nil, err
		}
		if result == nil {
			result = append(result, payloads...)
		}
		result[i] = whole
	}
	if result == nil {
		return payloads, nil
	}
	return result, nil
}

func (s *PayloadStore) retrieveOne(ctx StorageDriverRetrieveContext, p *common.Payload) (*common.Payload, error) {
	r, err := ReadReference(p)
	if err != nil {
		return nil, err
	}
	driver := s.drivers[r.Driver]
	if driver == nil {
		return nil, fmt.Errorf("payload of %d bytes: no storage driver is named %q here", r.Size, r.Driver)
	}
	found, err := driver.Retrieve(ctx, []StorageDriverClaim{r.Claim})
	if err == nil && (len(found) != 1 || found[0] == nil) {
		err = fmt.Errorf("%d payloads for one claim", len(found))
	}
	if err != nil {
		return nil, fmt.Errorf("retrieve payload of %d bytes by driver %q: %w", r.Size, r.Driver, err)
	}
	return found[0], nil
}

func payloadSize(p *common.Payload) int {
	n := len(p.GetData())
	for k, v := range p.GetMetadata() {
		n += len(k) + len(v)
	}
	return n
}
