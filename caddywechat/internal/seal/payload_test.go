package seal

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"
)

func TestReader_ReadsWhatWasAppended(t *testing.T) {
	var b []byte
	b = append(b, 7)
	b = AppendText(b, "")
	b = AppendText(b, "张三\x00")
	b = AppendText(b, strings.Repeat("x", 300))
	b = AppendNumber(b, 0)
	b = AppendNumber(b, math.MaxUint64)
	b = append(b, "end"...)

	r := NewReader(b)
	if got := r.Byte(); got != 7 {
		t.Errorf("byte = %d", got)
	}
	for _, want := range []string{"", "张三\x00", strings.Repeat("x", 300)} {
		if got := r.Text(); got != want {
			t.Errorf("text = %q, want %q", got, want)
		}
	}
	for _, want := range []uint64{0, math.MaxUint64} {
		if got := r.Number(); got != want {
			t.Errorf("number = %d, want %d", got, want)
		}
	}
	if !r.More() {
		t.Error("nothing is left")
	}
	if got := r.Raw(3); got != "end" {
		t.Errorf("bytes = %q", got)
	}
	if r.More() {
		t.Error("something is left")
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestReader_ReadsZeroAfterAFailure(t *testing.T) {
	text := func(r *Reader) { r.Text() }
	ofLength := func(n uint64) []byte { return append(binary.AppendUvarint(nil, n), "abc"...) }
	overflow := append([]byte(strings.Repeat("\xff", 9)), 2, 'a', 'b')
	for name, tt := range map[string]struct {
		payload []byte
		read    func(*Reader)
	}{
		"a byte of nothing":          {nil, func(r *Reader) { r.Byte() }},
		"a number of nothing":        {nil, func(r *Reader) { r.Number() }},
		"a text of nothing":          {nil, text},
		"more bytes than there are":  {[]byte("abc"), func(r *Reader) { r.Raw(4) }},
		"a negative number of bytes": {[]byte("abc"), func(r *Reader) { r.Raw(-1) }},
		"very many bytes":            {[]byte("abc"), func(r *Reader) { r.Raw(math.MaxInt) }},
		"a number that does not end": {[]byte{0x80, 0x80}, func(r *Reader) { r.Number() }},
		"a number of 65 bits":        {overflow, func(r *Reader) { r.Number() }},
		"a text that is too long":    {ofLength(4), text},
		"a text of a huge length":    {ofLength(math.MaxUint64), text},
		"a text of a negative int":   {ofLength(1 << 63), text},
		"a text of a huge int":       {ofLength(math.MaxInt64), text},
	} {
		t.Run(name, func(t *testing.T) {
			r := NewReader(tt.payload)
			tt.read(r)
			if b, n, s, bs := r.Byte(), r.Number(), r.Text(), r.Raw(1); b != 0 || n != 0 || s != "" || len(bs) != 0 {
				t.Errorf("then read %d, %d, %q, %q", b, n, s, bs)
			}
			if r.More() {
				t.Error("something is left")
			}
			if err := r.Close(); !errors.Is(err, ErrPayload) {
				t.Errorf("Close = %v", err)
			}
		})
	}
}

func TestReader_RefusesWhatIsLeft(t *testing.T) {
	r := NewReader([]byte("ab"))
	r.Byte()
	if err := r.Close(); !errors.Is(err, ErrPayload) {
		t.Errorf("Close = %v", err)
	}
}

// The steps are what is read, one after another: whatever they are, a Reader neither panics nor reads what is not
// there.
func FuzzReader(f *testing.F) {
	f.Add([]byte("\x03abc\x07"), []byte{0, 1, 2, 3})
	f.Add(binary.AppendUvarint(nil, math.MaxUint64), []byte{2, 2})
	f.Add([]byte{}, []byte{3, 0, 1})
	f.Fuzz(func(t *testing.T, payload, steps []byte) {
		r := NewReader(payload)
		got := 0
		for _, step := range steps {
			switch step % 4 {
			case 0:
				got += len(r.Raw(int(int8(step))))
			case 1:
				r.Byte()
			case 2:
				got += len(r.Text())
			case 3:
				r.Number()
			}
		}
		if got > len(payload) {
			t.Errorf("read %d bytes of %d", got, len(payload))
		}
		if r.Close() == nil && r.More() {
			t.Error("something is left and Close does not tell")
		}
	})
}
