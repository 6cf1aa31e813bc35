package caddywechat

import (
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// departures count the logins that were begun since one last came back. A platform that refuses the site's domain says so
// to the visitor and never to the site. The zero value is ready to use.
type departures struct {
	mu sync.Mutex
	of map[departedTo]*departed
}

// departedTo is an account at one of the site's hosts.
type departedTo struct{ ref, host string }

type departed struct {
	count int       // since one came back
	since time.Time // the first of them
	last  time.Time
	works bool // whether one ever came back
	told  bool
}

const (
	// maxDeparted is how many logins may begin and not come back, over at least departedFor, before somebody is told.
	maxDeparted = 20
	departedFor = time.Minute
	// departedWithin is how long they count where others have come back: those that people give up in the course of a night say
	// nothing.
	departedWithin = time.Hour
	// maxDepartures bounds the memory: a host may be whatever a stranger writes. Those that are quiet for forgetAfter make room.
	maxDepartures = 1000
	forgetAfter   = 10 * time.Minute
)

// begin takes note of a login that begins, and reports whether it is time to tell that none comes back, with what is known
// of it.
func (d *departures) begin(at departedTo, now time.Time) (so departed, tell bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	one := d.of[at]
	if one == nil {
		if len(d.of) >= maxDepartures && !d.makeRoom(now) {
			return departed{}, false
		}
		if d.of == nil {
			d.of = make(map[departedTo]*departed)
		}
		one = new(departed)
		d.of[at] = one
	}
	if one.count == 0 || one.works && now.Sub(one.since) > departedWithin {
		one.count, one.since = 0, now
	}
	one.count++
	one.last = now
	return *one, !one.told && one.count >= maxDeparted && now.Sub(one.since) >= departedFor
}

// tell takes note that somebody was told.
func (d *departures) tell(at departedTo) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if one := d.of[at]; one != nil {
		one.told = true
	}
}

// end takes note of a login that came back.
func (d *departures) end(at departedTo, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if one := d.of[at]; one != nil {
		*one = departed{works: true, last: now}
	}
}

func (d *departures) makeRoom(now time.Time) bool {
	for at, one := range d.of {
		if now.Sub(one.last) > forgetAfter {
			delete(d.of, at)
		}
	}
	return len(d.of) < maxDepartures
}

// watchDeparture takes note of a person who is sent away, and tells the operator when none of them comes back.
func (h *Handler) watchDeparture(v *visit, a account.Redirector) {
	if !visitor.IsNavigation(v.Request) || !a.Serves(v.client()) || visitor.IsCrawler(v.UserAgent()) {
		return
	}
	at := departedTo{account.Ref(a), v.origin.hostname()}
	so, tell := h.memory.departed.begin(at, h.now())
	if !tell || !h.departureHint.allow(h.now()) {
		return
	}
	h.memory.departed.tell(at)
	where := "enter it where the account's platform asks for the domain that it sends visitors back to"
	if keeper, ok := a.(account.DomainKeeper); ok {
		where = keeper.DomainSetting()
	}
	h.logger.Warn("logins begin and none comes back: the visitors' page may say that this host is not the account's domain (10003)",
		zap.String("host", at.host), zap.String("account", a.Kind()), zap.String("app_id", a.AppID()),
		zap.Int("logins", so.count), zap.Duration("within", so.last.Sub(so.since)), zap.String("cure", where))
}

// watchReturn takes note of a person who comes back. Without their attempt nobody knows from which account.
func (h *Handler) watchReturn(c *returning) {
	if query := c.URL.Query(); query.Get("code") == "" && query.Get("state") == "" {
		return
	}
	for _, a := range h.accounts {
		if !c.known || a == c.account {
			h.memory.departed.end(departedTo{account.Ref(a), c.origin.hostname()}, h.now())
		}
	}
}
