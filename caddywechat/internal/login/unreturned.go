package login

import (
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// unreturned count the logins that were started since one last came back. A platform that refuses the site's domain
// says so to the visitor and never to the site. The zero value is ready to use.
type unreturned struct {
	mu sync.Mutex
	of map[loginsAt]*unreturnedLogins
}

// loginsAt is an account at one of the site's hosts.
type loginsAt struct{ ref, host string }

type unreturnedLogins struct {
	count int       // since one came back
	since time.Time // the first of them
	last  time.Time
	works bool // whether one ever came back
	told  bool
}

const (
	// maxUnreturned is how many logins may start and not come back, over at least unreturnedFor, before somebody is
	// told.
	maxUnreturned = 20
	unreturnedFor = time.Minute
	// unreturnedWithin is how long they count where others have come back: those that people give up in the course of a
	// night say nothing.
	unreturnedWithin = time.Hour
	// maxLoginsAt bounds the memory: a host may be whatever a stranger writes. Those that are quiet for forgetAfter
	// make room.
	maxLoginsAt = 1000
	forgetAfter = 10 * time.Minute
)

// add counts a login that starts, and reports whether it is time to tell that none comes back, with what is
// known of it.
func (u *unreturned) add(at loginsAt, now time.Time) (so unreturnedLogins, tell bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	one := u.of[at]
	if one == nil {
		if len(u.of) >= maxLoginsAt && !u.makeRoom(now) {
			return unreturnedLogins{}, false
		}
		if u.of == nil {
			u.of = make(map[loginsAt]*unreturnedLogins)
		}
		one = new(unreturnedLogins)
		u.of[at] = one
	}
	if one.count == 0 || one.works && now.Sub(one.since) > unreturnedWithin {
		one.count, one.since = 0, now
	}
	one.count++
	one.last = now
	return *one, !one.told && one.count >= maxUnreturned && now.Sub(one.since) >= unreturnedFor
}

// setTold remembers that somebody was told.
func (u *unreturned) setTold(at loginsAt) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if one := u.of[at]; one != nil {
		one.told = true
	}
}

// reset counts a login that came back.
func (u *unreturned) reset(at loginsAt, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if one := u.of[at]; one != nil {
		*one = unreturnedLogins{works: true, last: now}
	}
}

func (u *unreturned) makeRoom(now time.Time) bool {
	for at, one := range u.of {
		if now.Sub(one.last) > forgetAfter {
			delete(u.of, at)
		}
	}
	return len(u.of) < maxLoginsAt
}

// countStart counts a person who is shown the account's page, and tells the operator when none of them comes back.
func (f *Flow) countStart(r *visitor.Request, a account.Redirector) {
	if !a.Serves(r.Client()) || visitor.IsCrawler(r.UserAgent()) {
		return
	}
	at := loginsAt{account.Ref(a), r.Origin.Hostname()}
	so, tell := f.Memory.unreturned.add(at, f.Now())
	if !tell {
		return
	}
	f.unreturnedHint.Do(f.Now(), func() {
		f.Memory.unreturned.setTold(at)
		where := "enter it where the account's platform asks for the domain that it sends visitors back to"
		if keeper, ok := a.(account.DomainHinter); ok {
			where = keeper.DomainHint()
		}
		f.Logger.Warn("logins begin and none comes back: "+
			"WeChat may refuse the host, as it tells the visitor only (10003)",
			zap.String("host", at.host), zap.String("account", a.Kind()), zap.String("app_id", account.Ref(a)),
			zap.Int("logins", so.count), zap.Duration("within", so.last.Sub(so.since)), zap.String("cure", where))
	})
}

// countReturn counts a person who comes back. Without their attempt nobody knows from which account.
func (f *Flow) countReturn(c *callback) {
	if query := c.URL.Query(); query.Get("code") == "" && query.Get("state") == "" {
		return
	}
	for _, a := range f.Accounts.At(c.Origin.Hostname()) {
		if !c.known || a == c.account {
			f.Memory.unreturned.reset(loginsAt{account.Ref(a), c.Origin.Hostname()}, f.Now())
		}
	}
}
