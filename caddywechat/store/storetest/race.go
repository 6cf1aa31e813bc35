package storetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

const (
	instances = 3
	callers   = 32
)

// atOnce calls f for each caller at the same time, with the store of one of the instances.
func atOnce(b Backend, f func(caller int, s store.Store)) {
	var stores []store.Store
	for range instances {
		stores = append(stores, b.Open())
	}
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for i := range callers {
		wg.Go(func() {
			<-begin
			f(i, stores[i%instances])
		})
	}
	close(begin)
	wg.Wait()
}

func putIfAbsentRace(t *testing.T, b Backend) {
	var got [callers]string
	atOnce(b, func(i int, s store.Store) {
		value, err := s.PutIfAbsent(t.Context(), key, fmt.Appendf(nil, "of %d", i), long)
		if err != nil {
			t.Error(err)
		}
		got[i] = string(value)
	})
	for i, value := range got {
		if value != got[0] || !strings.HasPrefix(value, "of ") {
			t.Errorf("caller %d got %q, caller 0 %q", i, value, got[0])
		}
	}
	wantValue(t, b.Open(), key, got[0])
}

func takeRace(t *testing.T, b Backend) {
	for round := range 3 {
		key := fmt.Sprintf("%s/%d", key, round)
		mustPut(t, b.Open(), key, "value", long)
		var mu sync.Mutex
		var winners []int
		atOnce(b, func(i int, s store.Store) {
			value, err := s.Take(t.Context(), key)
			switch {
			case err == nil && string(value) == "value":
				mu.Lock()
				winners = append(winners, i)
				mu.Unlock()
			case !errors.Is(err, store.ErrNotFound):
				t.Errorf("caller %d got %q, %v", i, value, err)
			}
		})
		if len(winners) != 1 {
			t.Errorf("round %d: the callers %v got it", round, winners)
		}
	}
}
