package history

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// maxNesting bounds the depth of maps and arrays in a record. A failure nests one level for each cause, so this
// allows chains of more than two hundred; a decoder that follows any depth could be made to exhaust its stack.
const maxNesting = 256

var errTruncated = errors.New("truncated msgpack")

// sizeOf is how many bytes the first msgpack value in data takes. It refuses one that has maps and arrays nested in it
// to that many levels, and one whose declared lengths exceed its bytes.
func sizeOf(data []byte, levels int) (int, error) {
	// open[i] counts the values still to come at nesting level i.
	open := make([]int, 1, 16)
	open[0] = 1
	pos := 0
	for len(open) > 0 {
		top := len(open) - 1
		if open[top] == 0 {
			open = open[:top]
			continue
		}
		open[top]--
		if pos >= len(data) {
			return 0, errTruncated
		}
		skip, children, err := measure(data[pos:])
		if err != nil {
			return 0, err
		}
		pos += skip
		if pos > len(data) || children > len(data)-pos {
			return 0, errTruncated
		}
		if children > 0 {
			if len(open) >= levels {
				return 0, errNesting
			}
			open = append(open, children)
		}
	}
	return pos, nil
}

// measure reads one msgpack head: how many bytes it takes with its own content, and how many values follow inside.
func measure(b []byte) (skip, children int, err error) {
	c := b[0]
	switch {
	case c <= 0x7f, c >= 0xe0, c == 0xc0, c == 0xc2, c == 0xc3: // small integers, nil, booleans
		return 1, 0, nil
	case c <= 0x8f: // fixmap
		return 1, 2 * int(c&0x0f), nil
	case c <= 0x9f: // fixarray
		return 1, int(c & 0x0f), nil
	case c <= 0xbf: // fixstr
		return 1 + int(c&0x1f), 0, nil
	}
	switch c {
	case 0xcc, 0xd0:
		return 2, 0, nil
	case 0xcd, 0xd1:
		return 3, 0, nil
	case 0xca, 0xce, 0xd2:
		return 5, 0, nil
	case 0xcb, 0xcf, 0xd3:
		return 9, 0, nil
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8: // fixext 1, 2, 4, 8, 16
		return 2 + 1<<(c-0xd4), 0, nil
	case 0xc4, 0xd9:
		return sized(b, 1, 0)
	case 0xc5, 0xda:
		return sized(b, 2, 0)
	case 0xc6, 0xdb:
		return sized(b, 4, 0)
	case 0xc7:
		return sized(b, 1, 1)
	case 0xc8:
		return sized(b, 2, 1)
	case 0xc9:
		return sized(b, 4, 1)
	case 0xdc, 0xdd, 0xde, 0xdf:
		return counted(b)
	}
	return 0, 0, fmt.Errorf("byte 0x%02x is not msgpack", c)
}

// sized measures a string, binary or extension whose length follows in width bytes.
func sized(b []byte, width, extra int) (skip, children int, err error) {
	n, err := length(b, width)
	return 1 + width + extra + n, 0, err
}

// counted measures an array or map whose element count follows.
func counted(b []byte) (skip, children int, err error) {
	width := 2
	if b[0] == 0xdd || b[0] == 0xdf {
		width = 4
	}
	n, err := length(b, width)
	if b[0] >= 0xde {
		n *= 2
	}
	return 1 + width, n, err
}

func length(b []byte, width int) (int, error) {
	if len(b) < 1+width {
		return 0, errTruncated
	}
	switch width {
	case 1:
		return int(b[1]), nil
	case 2:
		return int(binary.BigEndian.Uint16(b[1:])), nil
	}
	return int(binary.BigEndian.Uint32(b[1:])), nil
}
