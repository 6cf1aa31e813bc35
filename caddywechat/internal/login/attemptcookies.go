package login

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// maxAttempts is how many attempts a browser carries at most.
const maxAttempts = 8

const attemptCookie = "wechat_login_"

func init() {
	for slot := range maxAttempts {
		session.OwnCookie(attemptCookie + strconv.Itoa(slot))
	}
}

func slotOf(name string) (int, bool) {
	digit, ok := strings.CutPrefix(name, attemptCookie)
	if !ok || len(digit) != 1 || digit[0] < '0' || digit[0] >= '0'+maxAttempts {
		return 0, false
	}
	return int(digit[0] - '0'), true
}

// Attempts are those that a browser carries, each in the slot of its cookie.
type Attempts struct {
	secure bool
	slot   [maxAttempts]*Attempt
	// size is how many bytes of a request the cookies of a slot take, 0 where the browser sent none.
	size [maxAttempts]int
	// foreign tells which cookies did not open.
	foreign [maxAttempts]bool
	// strays are attempts of the same host on http, which come along on https, and their size.
	strays     []string
	straysSize int
}

// ReadAttempts opens the attempts among cookies: those that were sealed at site and are younger than [Lifetime].
// secure tells whether the site is on https, which the cookies' names depend on.
func ReadAttempts(cookies []visitor.Cookie, s *seal.Sealer, site string, secure bool, now time.Time) Attempts {
	as := Attempts{secure: secure}
	for _, c := range cookies {
		name, hasPrefix := strings.CutPrefix(c.Name, session.HostPrefix)
		slot, ok := slotOf(name)
		switch {
		case !ok:
			continue
		case hasPrefix != secure:
			if secure && !slices.Contains(as.strays, c.Name) {
				as.strays = append(as.strays, c.Name)
			}
			as.straysSize += sizeOf(c.Name, c.Value)
			continue
		}
		isFirst := as.size[slot] == 0
		as.size[slot] += sizeOf(c.Name, c.Value)
		if !isFirst {
			continue
		}
		var a Attempt
		if !s.Open(site, c.Value, &a) {
			as.foreign[slot] = true
		} else if now.Sub(a.Created) < Lifetime {
			as.slot[slot] = &a
		}
	}
	return as
}

// sizeOf returns how many bytes a cookie takes of the line that a browser sends, with the separator to the next one.
func sizeOf(name, value string) int { return len(name) + len("=") + len(value) + len("; ") }

// Recall lets learn replace each attempt by what is known of it beside what the browser says.
func (as *Attempts) Recall(learn func(Attempt) Attempt) {
	for i, a := range as.slot {
		if a != nil {
			learned := learn(*a)
			as.slot[i] = &learned
		}
	}
}

// AnyOpen reports whether the browser carries an attempt, of whatever login.
func (as Attempts) AnyOpen() bool {
	return slices.ContainsFunc(as.slot[:], func(a *Attempt) bool { return a != nil })
}

// Foreign returns how many cookies of attempts did not open: most likely they were sealed with another key.
func (as Attempts) Foreign() int {
	n := 0
	for _, foreign := range as.foreign {
		if foreign {
			n++
		}
	}
	return n
}

// Find returns the attempt that state names, and its slot.
func (as Attempts) Find(state string) (a Attempt, slot int, ok bool) {
	for i, a := range as.slot {
		if a != nil && a.Matches(state) {
			return *a, i, true
		}
	}
	return Attempt{}, 0, false
}

// maxSize is how many bytes of a request the cookies of all attempts take at most, for servers refuse requests with
// long heads, whatever is asked for. It is some way below 4,096: a spent attempt can take a little more than it did
// before.
const maxSize = 3900

// Size returns how many bytes of a request a sealed attempt takes.
func (as Attempts) Size(sealed string) int { return sizeOf(as.cookieName(0), sealed) }

// Displaces returns how many logins that are still under way another attempt of that size would end, instead of the
// attempt in a slot (nil: of none).
func (as Attempts) Displaces(size int, instead *int) int {
	n := 0
	for _, slot := range as.leaving(size, instead) {
		if as.isUnderWay(slot) {
			n++
		}
	}
	return n
}

// Room returns a slot for another attempt of that size: that of the attempt which it stands in for, if there is one,
// else a free one, any of them, so that two tabs that start at the same moment seldom take the same. Where there is
// none, or not enough room, others give way; the first of them leaves its slot, and the removals free those of the
// rest.
func (as Attempts) Room(size int, instead *int) (slot int, removals []*http.Cookie) {
	leaving := as.leaving(size, instead)
	switch free := as.free(); {
	case instead != nil:
		slot = *instead
	case len(leaving) > 0:
		slot, leaving = leaving[0], leaving[1:]
	default:
		slot = free[rand.IntN(len(free))]
	}
	for _, i := range leaving {
		removals = append(removals, as.Remove(i))
	}
	if as.total()+size > maxSize {
		for _, name := range as.strays {
			removals = append(removals, session.Cookie(name, "", 0, as.secure))
		}
	}
	return slot, removals
}

// leaving returns the slots of those that give way to another attempt of that size: what does not open first, then
// the spent, then the oldest. Strays have given way before them.
func (as Attempts) leaving(size int, instead *int) []int {
	total := as.total()
	if total+size > maxSize {
		total -= as.straysSize
	}
	mustLeave := instead == nil && len(as.free()) == 0
	if instead != nil {
		total -= as.size[*instead]
	}
	var leaving []int
	for _, slot := range as.taken() {
		if total+size <= maxSize && !mustLeave {
			break
		}
		if instead != nil && slot == *instead {
			continue
		}
		total, mustLeave = total-as.size[slot], false
		leaving = append(leaving, slot)
	}
	return leaving
}

// total returns how many bytes of a request all attempts take.
func (as Attempts) total() int {
	total := as.straysSize
	for _, size := range as.size {
		total += size
	}
	return total
}

// free returns the slots for which the browser sent nothing.
func (as Attempts) free() (slots []int) {
	for i, size := range as.size {
		if size == 0 {
			slots = append(slots, i)
		}
	}
	return slots
}

// taken returns the other slots, in the order in which they give way.
func (as Attempts) taken() (slots []int) {
	for _, i := range rand.Perm(maxAttempts) {
		if as.size[i] > 0 {
			slots = append(slots, i)
		}
	}
	slices.SortStableFunc(slots, func(i, j int) int {
		if rank := as.rank(i) - as.rank(j); rank != 0 || as.slot[i] == nil {
			return rank
		}
		return as.slot[i].Created.Compare(as.slot[j].Created)
	})
	return slots
}

func (as Attempts) rank(slot int) int {
	switch {
	case as.slot[slot] == nil:
		return 0
	case !as.isUnderWay(slot):
		return 1
	default:
		return 2
	}
}

func (as Attempts) isUnderWay(slot int) bool {
	return as.slot[slot] != nil && !as.slot[slot].IsSpent()
}

// Restarts returns the restarts that the attempts tell of: those before an attempt, with the attempt itself where
// it brought a session that isLost. Of several attempts the one with the most of them counts.
func (as Attempts) Restarts(k StateKey, isLost func(Attempt) bool, now time.Time) Restarts {
	var longest Restarts
	for _, a := range as.slot {
		if a == nil {
			continue
		}
		restarts := k.Restarts(a.State)
		if a.SessionEnd.After(now) && isLost(*a) { // never of one that brought no session
			restarts = append(Restarts{a.Spent}, restarts...)
		}
		longest = longest.orLonger(restarts, now)
	}
	return longest
}

// Cookie returns the cookie that keeps a sealed attempt in its slot.
func (as Attempts) Cookie(slot int, sealed string, a Attempt, now time.Time) *http.Cookie {
	return session.Cookie(as.cookieName(slot), sealed, Lifetime-now.Sub(a.Created), as.secure)
}

// Remove returns the cookie that frees a slot.
func (as Attempts) Remove(slot int) *http.Cookie {
	return session.Cookie(as.cookieName(slot), "", 0, as.secure)
}

// RemoveAll returns the cookies that free every slot that the browser named.
func (as Attempts) RemoveAll() []*http.Cookie {
	return as.removeAll(func(int) bool { return true })
}

// RemoveRestarted returns the cookies that free the slots of all but those logins under way that no restart preceded.
func (as Attempts) RemoveRestarted(k StateKey, now time.Time) []*http.Cookie {
	return as.removeAll(func(slot int) bool {
		return !as.isUnderWay(slot) || len(k.Restarts(as.slot[slot].State).recent(now)) > 0
	})
}

func (as Attempts) removeAll(which func(slot int) bool) (cookies []*http.Cookie) {
	for i, size := range as.size {
		if size > 0 && which(i) {
			cookies = append(cookies, as.Remove(i))
		}
	}
	return cookies
}

func (as Attempts) cookieName(slot int) string {
	name := attemptCookie + strconv.Itoa(slot)
	if as.secure {
		return session.HostPrefix + name
	}
	return name
}
