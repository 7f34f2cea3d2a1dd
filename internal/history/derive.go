package history

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/google/uuid"
)

// DeriveRunID is the run ID of the run that event number id of run starts: the same for everyone who computes it. It
// has the form of a UUIDv7 with the transition's time; its other bits are a hash, so IDs derived at one time have no
// order among themselves.
func DeriveRunID(run Run, id int64, at time.Time) string {
	h := sha256.New()
	h.Write([]byte(run.WorkflowID))
	h.Write([]byte{0})
	h.Write([]byte(run.RunID))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(id)))
	sum := h.Sum(nil)
	var u uuid.UUID
	binary.BigEndian.PutUint64(u[:8], uint64(at.UnixMilli())<<16)
	copy(u[6:], sum)
	u[6] = u[6]&0x0f | 0x70
	u[8] = u[8]&0x3f | 0x80
	return u.String()
}

// DeriveMessageID is the identity of the signal or request that event number id of run sends to another run.
func DeriveMessageID(run Run, id int64) string { return DeriveRunID(run, id, time.UnixMilli(0)) }
