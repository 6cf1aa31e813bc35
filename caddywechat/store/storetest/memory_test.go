package storetest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

func TestMemory_KeepsTheContracts(t *testing.T) {
	Run(t, func(t *testing.T, test func(*testing.T, Backend)) {
		synctest.Test(t, func(t *testing.T) {
			shared := new(Memory)
			test(t, Backend{Open: func() store.Store { return shared }, TTL: time.Hour, Pass: time.Sleep})
		})
	})
}
