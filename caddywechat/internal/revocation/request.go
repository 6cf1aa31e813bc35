package revocation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/grant"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
)

// Request is what an operator wants revoked: exactly one of these.
type Request struct {
	User    string `json:"user,omitempty"`    // the person, in any of the forms that user_id can give
	OpenID  string `json:"openid,omitempty"`  // the person, by WeChat's openid
	Session string `json:"session,omitempty"` // one session, by its id
	All     bool   `json:"all,omitempty"`     // everybody's
}

// Check returns an error that says what to write instead, if the request is none.
func (r Request) Check() error {
	given := 0
	for _, is := range []bool{r.User != "", r.OpenID != "", r.Session != "", r.All} {
		if is {
			given++
		}
	}
	if given != 1 {
		return errors.New("say whose sessions to revoke by exactly one of user, openid, session and all")
	}
	if r.Session == "" {
		return nil
	}
	if _, err := session.ParseID(r.Session); err != nil {
		return fmt.Errorf("session: %w, as in the callback's log line", err)
	}
	return nil
}

// subjects returns how the request names a person, none where it does not.
func (r Request) subjects() []Subject {
	switch {
	case r.OpenID != "":
		return []Subject{OpenIDSubject(r.OpenID)}
	case r.User == "":
		return nil
	}
	subjects := []Subject{UserSubject(r.User)}
	if lower := strings.ToLower(r.User); lower != r.User {
		// WeCom's console writes userids as they were made, apps get them in lower case.
		subjects = append(subjects, UserSubject(lower))
	}
	return subjects
}

// revocation returns what the request says, for one store.
func (r Request) revocation(list *List, now time.Time) Revocation {
	end := now.Add(session.MaxLifetime)
	switch subjects := r.subjects(); {
	case r.All:
		return OfAll(list.NextTime(now), end)
	case len(subjects) > 0:
		return OfPerson(list.NextTime(now), end, subjects...)
	}
	id, _ := session.ParseID(r.Session)
	return OfSession(id, Subject{}, now, end)
}

// String says what the request ends.
func (r Request) String() string {
	switch {
	case r.All:
		return "everybody's sessions"
	case r.User != "":
		return fmt.Sprintf("the sessions of user %q", r.User)
	case r.OpenID != "":
		return fmt.Sprintf("the sessions of openid %q", r.OpenID)
	default:
		return "session " + r.Session
	}
}

// ErrNotStored is the error of a revocation that the store did not take: other instances are told when it works again.
var ErrNotStored = errors.New("revoked here; other instances will know when the store works again")

// forgetTimeout bounds what one site waits for the store.
const forgetTimeout = 3 * time.Second

// Revoke carries a request out at all sites of the store, and has them forget what they keep about the person. It
// returns how many live sessions ended here, of those that came lately. Where no site uses the store there is nothing
// to do.
func (s *Sync) Revoke(ctx context.Context, request Request) (seen int, err error) {
	by := s.newest()
	if by == nil {
		return 0, nil
	}
	r := request.revocation(&s.list, by.Now())
	seen = s.countSeen(r, by.Now())
	if err = by.revoke(ctx, pendingRecord{operatorJournal, nil, []Revocation{r}}); err != nil {
		err = fmt.Errorf("%w: %w", ErrNotStored, err)
	}
	by.Logger.Info("sessions revoked", zap.String("outcome", string(event.Revoked)), zap.Reflect("order", request),
		zap.Bool("stored", err == nil), zap.Int("seen", seen))
	for _, site := range s.Sites() {
		err = errors.Join(err, request.forget(ctx, site.Grants))
	}
	return seen, err
}

// forget removes what a site keeps about the person of a request.
func (r Request) forget(ctx context.Context, grants *grant.Keeper) error {
	ctx, cancel := context.WithTimeout(ctx, forgetTimeout)
	defer cancel()
	switch {
	case r.User != "":
		return grants.Forget(ctx, r.User)
	case r.OpenID != "":
		return grants.ForgetOpenID(ctx, r.OpenID)
	default:
		return nil // nobody in particular: secrets end by themselves
	}
}

// countSeen returns how many live sessions a revocation ends that came to this instance, as far as it remembers.
func (s *Sync) countSeen(r Revocation, now time.Time) int {
	var only List
	only.Apply(r, now)
	ended := make(map[session.ID]bool)
	for _, site := range s.Sites() {
		for one := range site.seen() {
			if site.endedBy(&only, one) {
				ended[one.ID] = true
			}
		}
	}
	return len(ended)
}
