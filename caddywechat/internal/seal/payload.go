package seal

import (
	"encoding/binary"
	"errors"
)

// ErrPayload is the error of a payload that does not hold what is read from it.
var ErrPayload = errors.New("malformed payload")

// AppendText appends text with its length in front, for [Reader.Text].
func AppendText(b []byte, text string) []byte {
	b = binary.AppendUvarint(b, uint64(len(text)))
	return append(b, text...)
}

// AppendNumber appends a number in as many bytes as it needs, for [Reader.Number].
func AppendNumber(b []byte, n uint64) []byte { return binary.AppendUvarint(b, n) }

// AppendFlag appends a yes or no, for [Reader.Flag].
func AppendFlag(b []byte, flag bool) []byte {
	if flag {
		return append(b, 1)
	}
	return append(b, 0)
}

// Reader reads a payload in the order in which it was appended. Once something was not there, everything after it is
// zero, and Close tells.
type Reader struct {
	rest   string // a copy, of which all texts are parts
	failed bool
}

// NewReader returns a Reader of payload.
func NewReader(payload []byte) *Reader { return &Reader{rest: string(payload)} }

// Raw reads the next n bytes as they are.
func (r *Reader) Raw(n int) string {
	if n < 0 || n > len(r.rest) {
		r.fail()
		return ""
	}
	raw := r.rest[:n]
	r.rest = r.rest[n:]
	return raw
}

func (r *Reader) fail() { r.failed, r.rest = true, "" }

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if raw := r.Raw(1); len(raw) == 1 {
		return raw[0]
	}
	return 0
}

// Number reads what AppendNumber appended.
func (r *Reader) Number() uint64 {
	n, size := binary.Uvarint([]byte(r.rest[:min(len(r.rest), binary.MaxVarintLen64)]))
	if size <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// Text reads what AppendText appended.
func (r *Reader) Text() string {
	n := r.Number()
	if n > uint64(len(r.rest)) {
		r.fail()
		return ""
	}
	return r.Raw(int(n))
}

// Flag reads what AppendFlag appended.
func (r *Reader) Flag() bool { return r.Byte() != 0 }

// More reports whether something is left to read.
func (r *Reader) More() bool { return len(r.rest) > 0 }

// Rest reads everything that is left.
func (r *Reader) Rest() string { return r.Raw(len(r.rest)) }

// Close returns ErrPayload when something that was read was not there, or when something is left.
func (r *Reader) Close() error {
	if r.failed || r.More() {
		return ErrPayload
	}
	return nil
}

// Text is a text that is a payload by itself.
type Text string

// MarshalBinary returns the text.
func (t Text) MarshalBinary() ([]byte, error) { return []byte(t), nil }

// UnmarshalBinary reads the text.
func (t *Text) UnmarshalBinary(payload []byte) error {
	*t = Text(payload)
	return nil
}
