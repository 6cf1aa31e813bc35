package login_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// twice has a callback come to two instances, one after the other, each time with the cookies of before.
func twice(t *testing.T, w, other *world, callback string, b *sitetest.Browser) (first, second *sitetest.Browser) {
	t.Helper()
	first, second = w.Browser(), w.Browser()
	for name, value := range b.Cookies {
		first.Cookies[name], second.Cookies[name] = value, value
	}
	first.Open(w.Callback, callback).WantTo(t, "/page")
	second.At(other.Parts).Open(other.Callback, callback).WantTo(t, "/page")
	return first, second
}

func TestCluster_ExchangesACodeOnce(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	other := w.another(t)
	b := w.Browser()
	callback := w.begin(b, "/page", "emma")
	first, second := twice(t, w, other, callback, b)
	w.wantExchanges(1)
	if first.Session().ID != second.Session().ID {
		t.Error("they have different sessions")
	}
	other.wantEvent(event.LoggedIn, "")
}

func TestCluster_WhereTheStoreTellsNobodyIsFirstEachExchanges(t *testing.T) {
	for name, change := range map[string]func(*world){
		"that is not atomic": func(w *world) { w.config.Cluster = nil },
		"that fails":         func(w *world) { w.Store.Fail("PutIfAbsent") },
		"that has failed": func(w *world) {
			w.Store.Fail("Get")
			w.Works(w.T.Context())
			w.Store.Before(nil)
		},
		"whose result cannot be had": func(w *world) {
			w.Store.Before(func(method, key string) error {
				if method == "Put" && strings.HasPrefix(key, "exchange/") {
					w.Store.Fail("Get") // and the claim stays
					return store.ErrStore
				}
				return nil
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sitetest.Options{})
			b := w.Browser()
			callback := w.begin(b, "/page", "emma")
			change(w)
			w.Flow = login.NewFlow(w.config)
			other := w.another(t)
			other.config.Cluster, other.config.Status = w.config.Cluster, w.config.Status
			other.Flow = login.NewFlow(other.config)
			twice(t, w, other, callback, b)
			w.wantExchanges(2)
		})
	}
}

func TestCluster_ReadsAFailureOfAnotherInstance(t *testing.T) {
	for name, tt := range map[string]struct {
		err    error
		status int
	}{
		"refused": {account.ErrCodeRefused, http.StatusFound},
		"timeout": {weixin.ErrTimeout, http.StatusGatewayTimeout},
		"other":   {errors.New("strange"), http.StatusBadGateway},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sitetest.Options{})
			other := w.another(t)
			w.fails(tt.err)
			b := w.Browser()
			callback := w.begin(b, "/page", "emma")
			second := w.Browser()
			for name, value := range b.Cookies {
				second.Cookies[name] = value
			}
			b.Open(w.Callback, callback).Want(t, tt.status)
			second.At(other.Parts).Open(other.Callback, callback).Want(t, tt.status)
			w.wantExchanges(1)
			if all := other.Events.Take(); len(all) != 1 || !strings.Contains(all[0].Err.Error(), "another instance") {
				t.Errorf("got %+v", all)
			}
		})
	}
}

func TestCluster_WaitsForTheFirstAsLongAsACallMayTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sitetest.Options{})
		other := w.another(t)
		b := w.Browser()
		callback := w.begin(b, "/page", "emma")
		second := w.Browser()
		for name, value := range b.Cookies {
			second.Cookies[name] = value
		}
		w.Account.Exchanges = func(string, bool) (account.Grant, error) {
			time.Sleep(timeout)
			return account.Grant{Identity: sitetest.Named("o-emma")}, nil
		}
		done := make(chan session.ID)
		go func() {
			b.Open(w.Callback, callback).WantTo(t, "/page")
			done <- b.Session().ID
		}()
		synctest.Wait()
		begun := time.Now()
		second.At(other.Parts).Open(other.Callback, callback).WantTo(t, "/page")
		if took := time.Since(begun); took < timeout || took > timeout+time.Second {
			t.Errorf("it took %s", took)
		}
		if second.Session().ID != <-done {
			t.Error("they have different sessions")
		}
		w.wantExchanges(1)
	})
}

func TestCluster_AStoreThatDoesNotAnswerDelaysALoginLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sitetest.Options{})
		w.config.Cluster = deafStore{w.Store}
		w.Flow = login.NewFlow(w.config)
		b := w.Browser()
		callback := w.begin(b, "/page", "emma")
		begun := time.Now()
		b.Open(w.Callback, callback).WantTo(t, "/page")
		if took := time.Since(begun); took != 300*time.Millisecond {
			t.Errorf("it took %s", took)
		}
	})
}

func TestCluster_AStoreThatCannotBeReadIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sitetest.Options{})
		b := w.Browser()
		callback := w.begin(b, "/page", "emma")
		w.Store.Before(func(method, key string) error {
			switch {
			case !strings.HasPrefix(key, "exchange/"):
			case method == "PutIfAbsent": // somebody else is first
				return w.Store.Memory.Put(t.Context(), key, []byte("theirs"), time.Minute)
			case method == "Get":
				return store.ErrStore
			}
			return nil
		})
		begun := time.Now()
		b.Open(w.Callback, callback).WantTo(t, "/page")
		if took := time.Since(begun); took != 50*time.Millisecond {
			t.Errorf("it took %s", took)
		}
		w.wantExchanges(1)
	})
}

// deafStore answers nobody who asks who was first.
type deafStore struct{ store.Store }

func (deafStore) PutIfAbsent(ctx context.Context, _ string, _ []byte, _ time.Duration) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestExchange_TellsWhoIsCalling(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	callback := w.begin(b, "/page", "emma")
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // WeChat's browser leaves when it asks twice
	r := b.Request("GET", callback)
	r.Request = r.WithContext(ctx)
	b.Do(w.Callback, r)
	w.wantExchanges(1)
	if e := w.wantEvent(event.LoggedIn, ""); e.UserID != "o-emma" {
		t.Errorf("got %+v", e)
	}
}
