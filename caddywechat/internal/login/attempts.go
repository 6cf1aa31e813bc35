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
)

// slots is how many attempts a browser carries at most.
const slots = 8

const attemptCookie = "wechat_login_"

func slotOf(name string) (int, bool) {
	digit, ok := strings.CutPrefix(name, attemptCookie)
	if !ok || len(digit) != 1 || digit[0] < '0' || digit[0] >= '0'+slots {
		return 0, false
	}
	return int(digit[0] - '0'), true
}

// Attempts are those that a browser carries, each in the place of its cookie.
type Attempts struct {
	secure bool
	place  [slots]*Attempt
	// size is how many bytes of a request the cookies of a place take, 0 where the browser sent none.
	size [slots]int
	// foreign tells which cookies did not open.
	foreign [slots]bool
	// strays are attempts of the same host on http, which come along on https, and their size.
	strays     []string
	straysSize int
}

// ReadAttempts opens the attempts among cookies: those that were sealed at site and are younger than [Lifetime].
// secure tells whether the site is on https, which the cookies' names depend on.
func ReadAttempts(cookies []session.Sent, s *seal.Sealer, site string, secure bool, now time.Time) Attempts {
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
			as.place[slot] = &a
		}
	}
	return as
}

// sizeOf returns how many bytes a cookie takes of the line that a browser sends, with the separator to the next one.
func sizeOf(name, value string) int { return len(name) + len("=") + len(value) + len("; ") }

// Recall lets learn replace each attempt by what is known of it beside what the browser says.
func (as *Attempts) Recall(learn func(Attempt) Attempt) {
	for i, a := range as.place {
		if a != nil {
			learned := learn(*a)
			as.place[i] = &learned
		}
	}
}

// AnyOpen reports whether the browser carries an attempt, of whatever login.
func (as Attempts) AnyOpen() bool {
	return slices.ContainsFunc(as.place[:], func(a *Attempt) bool { return a != nil })
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

// Find returns the attempt that state names, and its place.
func (as Attempts) Find(state string) (a Attempt, place int, ok bool) {
	for i, a := range as.place {
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
// attempt in a place (nil: of none).
func (as Attempts) Displaces(size int, instead *int) int {
	n := 0
	for _, place := range as.leaving(size, instead) {
		if as.isUnderWay(place) {
			n++
		}
	}
	return n
}

// Room returns a place for another attempt of that size: that of the attempt which it stands in for, if there is one,
// else a free one, any of them, so that two tabs that begin at the same moment seldom take the same. Where there is
// none, or not enough room, others give way; the first of them leaves its place, and the removals free those of the
// rest.
func (as Attempts) Room(size int, instead *int) (place int, removals []*http.Cookie) {
	leaving := as.leaving(size, instead)
	switch free := as.free(); {
	case instead != nil:
		place = *instead
	case len(leaving) > 0:
		place, leaving = leaving[0], leaving[1:]
	default:
		place = free[rand.IntN(len(free))]
	}
	for _, i := range leaving {
		removals = append(removals, as.Remove(i))
	}
	if as.total()+size > maxSize {
		for _, name := range as.strays {
			removals = append(removals, session.Cookie(name, "", 0, as.secure))
		}
	}
	return place, removals
}

// leaving returns the places of those that give way to another attempt of that size: what does not open first, then
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
	for _, place := range as.taken() {
		if total+size <= maxSize && !mustLeave {
			break
		}
		if instead != nil && place == *instead {
			continue
		}
		total, mustLeave = total-as.size[place], false
		leaving = append(leaving, place)
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

// free returns the places for which the browser sent nothing.
func (as Attempts) free() (places []int) {
	for i, size := range as.size {
		if size == 0 {
			places = append(places, i)
		}
	}
	return places
}

// taken returns the other places, in the order in which they give way.
func (as Attempts) taken() (places []int) {
	for _, i := range rand.Perm(slots) {
		if as.size[i] > 0 {
			places = append(places, i)
		}
	}
	slices.SortStableFunc(places, func(i, j int) int {
		if rank := as.rank(i) - as.rank(j); rank != 0 || as.place[i] == nil {
			return rank
		}
		return as.place[i].Created.Compare(as.place[j].Created)
	})
	return places
}

func (as Attempts) rank(place int) int {
	switch {
	case as.place[place] == nil:
		return 0
	case !as.isUnderWay(place):
		return 1
	default:
		return 2
	}
}

func (as Attempts) isUnderWay(place int) bool {
	return as.place[place] != nil && !as.place[place].IsSpent()
}

// Rounds returns the rounds that the attempts tell of: those that led to an attempt, with the attempt itself where it
// led to a session that isLost. Of several attempts the one with the longest way behind it counts.
func (as Attempts) Rounds(k StateKey, isLost func(Attempt) bool, now time.Time) Rounds {
	var longest Rounds
	for _, a := range as.place {
		if a == nil {
			continue
		}
		rounds := k.Rounds(a.State)
		if a.IsSpent() && a.SessionEnd.After(now) && isLost(*a) {
			rounds = append(Rounds{a.Spent}, rounds...)
		}
		longest = longest.orLonger(rounds, now)
	}
	return longest
}

// Cookie returns the cookie that keeps a sealed attempt in its place.
func (as Attempts) Cookie(place int, sealed string, a Attempt, now time.Time) *http.Cookie {
	return session.Cookie(as.cookieName(place), sealed, Lifetime-now.Sub(a.Created), as.secure)
}

// Remove returns the cookie that frees a place.
func (as Attempts) Remove(place int) *http.Cookie {
	return session.Cookie(as.cookieName(place), "", 0, as.secure)
}

// RemoveAll returns the cookies that free every place that the browser named.
func (as Attempts) RemoveAll() []*http.Cookie {
	return as.removeAll(func(int) bool { return true })
}

// RemoveRounds returns the cookies that free the places of all but those logins under way that no round led to.
func (as Attempts) RemoveRounds(k StateKey, now time.Time) []*http.Cookie {
	return as.removeAll(func(place int) bool {
		return !as.isUnderWay(place) || len(k.Rounds(as.place[place].State).recent(now)) > 0
	})
}

func (as Attempts) removeAll(which func(place int) bool) (cookies []*http.Cookie) {
	for i, size := range as.size {
		if size > 0 && which(i) {
			cookies = append(cookies, as.Remove(i))
		}
	}
	return cookies
}

func (as Attempts) cookieName(place int) string {
	name := attemptCookie + strconv.Itoa(place)
	if as.secure {
		return session.HostPrefix + name
	}
	return name
}
