package caddystore

import (
	"context"
	"crypto/rand"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// writer appends one entry after the other to a journal, and numbers them. It has a random name, which no other writer
// has, of this process or another.
type writer struct {
	name    string
	last    uint64    // the number of the last entry that was started
	end     time.Time // when all its entries are over, unless there is one
	forever bool      // that never is
	heads   []string  // those that are in the storage, as far as the writer knows
}

// keptHeads is how many heads of a writer stay. One would do, were folders listed at one moment: so that a reader sees
// none of them, as many would have to come and go while it looks.
const keptHeads = 8

// next returns the name of the next entry, and how long its head is to stay: as long as any of the writer's entries.
func (w *writer) next(now time.Time, ttl time.Duration) (name string, headTTL time.Duration) {
	w.last++
	name = entryName(w.name, w.last)
	if w.forever = w.forever || ttl == store.Forever; w.forever {
		return name, store.Forever
	}
	if end := now.Add(ttl); end.After(w.end) {
		w.end = end
	}
	return name, w.end.Sub(now)
}

// written keeps a head, and returns the one that is needed no more, "" for none.
func (w *writer) written(head string) (former string) {
	w.heads = append(w.heads, head)
	if len(w.heads) > keptHeads {
		former, w.heads = w.heads[0], w.heads[1:]
	}
	return former
}

// Names of writers are those that rand.Text makes, in lower case. A storage's own temporary files have others.
var nameForm = regexp.MustCompile(`^[a-z2-7]{26,}\.[0-9]{1,19}$`)

func entryName(writer string, number uint64) string {
	return writer + "." + strconv.FormatUint(number, 10)
}

func parseName(name string) (writer string, number uint64, ok bool) {
	if !nameForm.MatchString(name) {
		return "", 0, false
	}
	writer, digits, _ := strings.Cut(name, ".")
	number, err := strconv.ParseUint(digits, 10, 64)
	return writer, number, err == nil && number > 0
}

// writers are those of a process. An append takes one that nobody else has at that time, so there are as many as there
// were appends at a time, and no more than maxWriters.
type writers struct {
	free chan struct{} // has room for one more that is taken
	mu   sync.Mutex
	idle map[string][]*writer // by journal
}

const maxWriters = 16

func newWriters() *writers {
	return &writers{free: make(chan struct{}, maxWriters), idle: make(map[string][]*writer)}
}

// ofProcess are the writers of this process, whatever the configuration is.
var ofProcess = newWriters()

func (w *writers) take(ctx context.Context, journal string) (*writer, error) {
	select {
	case w.free <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: waiting for others who append to %s: %w", store.ErrStore, journal, ctx.Err())
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	idle := w.idle[journal]
	if len(idle) == 0 {
		return &writer{name: strings.ToLower(rand.Text())}, nil
	}
	w.idle[journal] = idle[:len(idle)-1]
	return idle[len(idle)-1], nil // the last one, so that few have something to do
}

func (w *writers) giveBack(journal string, one *writer) {
	w.mu.Lock()
	w.idle[journal] = append(w.idle[journal], one)
	w.mu.Unlock()
	<-w.free
}
