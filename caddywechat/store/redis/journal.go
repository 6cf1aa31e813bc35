package redis

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// A journal is a stream. Redis removes a stream as a whole or from its beginning only, so each value carries its end,
// in milliseconds of Redis' clock, and whoever appends one removes those at the beginning that are over, at most as
// many as keep up with the appending. What is over behind one that is not waits for that: entries with very different
// ttls go into journals of their own.
var appendScript = redis.NewScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, record in ipairs(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 8)) do
	local over = tonumber(record[2][2])
	if over and over > now then break end
	redis.call('XDEL', KEYS[1], record[1])
end
local life = tonumber(ARGV[2])
redis.call('XADD', KEYS[1], '*', 'end', string.format('%.0f', now + life), 'value', ARGV[1])
if redis.call('PTTL', KEYS[1]) < life then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return true
`)

func stream(journal string) string { return prefix + "journal:" + journal }

// Append implements [store.Store].
func (s *Store) Append(ctx context.Context, journal string, value []byte, ttl time.Duration) error {
	if err := store.CheckPut(ctx, journal, value, ttl); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	keys, life := []string{stream(journal)}, max(ttl.Milliseconds(), 1)
	if err := appendScript.Run(ctx, s.client, keys, value, life).Err(); err != nil {
		return failure("appending to", journal, err)
	}
	return nil
}

// Follow implements [store.Store].
func (s *Store) Follow(journal string) store.Reader { return &reader{store: s, journal: journal} }

const (
	// page is how many records are read at a time.
	page = 500
	// overlap is how far before the last record reading begins again, in milliseconds. Records are numbered by Redis'
	// clock, and a replica that takes over may have another, and not have the last ones.
	overlap = 60_000
)

type reader struct {
	store   *Store
	journal string
	last    int64               // when the last record that was read was appended, in milliseconds of Redis' clock
	seen    map[string]struct{} // the records since the overlap's beginning
}

// Read implements [store.Reader].
func (r *reader) Read(ctx context.Context) ([][]byte, error) {
	if err := store.Check(ctx, r.journal); err != nil {
		return nil, err
	}
	var values [][]byte
	now := time.Now().UnixMilli()
	before := r.seen
	r.seen = make(map[string]struct{})
	for from := strconv.FormatInt(max(r.last-overlap, 0), 10); from != ""; {
		records, err := r.page(ctx, from)
		if err != nil {
			maps.Copy(r.seen, before)
			return values, err
		}
		from = ""
		for _, record := range records {
			appended, end, value, err := read(record)
			if err != nil {
				continue // somebody else's, who must not keep ours from us
			}
			if _, ok := before[record.ID]; !ok && now < end {
				values = append(values, []byte(value))
			}
			r.last, r.seen[record.ID] = max(r.last, appended), struct{}{}
		}
		if len(records) == page {
			from = "(" + records[page-1].ID
		}
	}
	return values, nil
}

// page returns records from an id on.
func (r *reader) page(ctx context.Context, from string) ([]redis.XMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	records, err := r.store.client.XRangeN(ctx, stream(r.journal), from, "+", page).Result()
	if err != nil {
		return nil, failure("reading", r.journal, err)
	}
	return records, nil
}

// read takes a record apart: when it was appended and when it is over, in milliseconds, and its value.
func read(record redis.XMessage) (appended, end int64, value string, err error) {
	ms, _, _ := strings.Cut(record.ID, "-")
	if appended, err = strconv.ParseInt(ms, 10, 64); err != nil {
		return 0, 0, "", fmt.Errorf("record %s: %w", record.ID, err)
	}
	text, _ := record.Values["end"].(string)
	if end, err = strconv.ParseInt(text, 10, 64); err != nil {
		return 0, 0, "", fmt.Errorf("record %s has no end: %w", record.ID, err)
	}
	value, ok := record.Values["value"].(string)
	if !ok {
		return 0, 0, "", fmt.Errorf("record %s has no value", record.ID)
	}
	return appended, end, value, nil
}
