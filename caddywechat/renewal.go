package caddywechat

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// Areas of the store.
const (
	renewalArea  = "renewal"  // what profiles are renewed with
	profileArea  = "profile"  // profiles that were renewed, for sessions on other instances
	renewingArea = "renewing" // who is renewing one
)

const (
	// renewalTimeout bounds a renewal with all its calls.
	renewalTimeout = 30 * time.Second
	// renewalPause is how long a person's renewal rests when it did not work out.
	renewalPause = time.Minute
)

// renew brings the profile in a session up to date, off the visitor's way: an old one sets a renewal going, and a
// navigation after that takes its result over. It returns the session to go on with, and whether that is a new one.
func (h *Handler) renew(v *visit, s *session.Session) (*session.Session, bool) {
	if len(v.tokens) > 0 || h.refresh == 0 {
		return s, false
	}
	now := h.now()
	if now.Sub(s.ProfileTime()) < h.refresh || !h.hasProfile(s.Identity) {
		return s, false
	}
	a, ok := h.accountOf(s.Identity.Get(identity.Account)).(account.ProfileRefresher)
	if !ok {
		return s, false
	}
	user := s.Identity.Get(identity.ID)
	key := h.personKey(profileArea, a, user)
	if p, ok := h.memory.renewals.result(key); ok && p.at.After(s.ProfileTime()) {
		if !visitor.IsNavigation(v.Request) {
			return s, false
		}
		renewed := *s
		renewed.Renewed = p.at
		renewed.Identity = s.Identity.Without(identity.Nickname).Without(identity.Avatar).
			With(identity.Nickname, p.nickname).
			With(identity.Avatar, p.avatar)
		return &renewed, true
	}
	if h.memory.renewals.begin(key, now) {
		go h.renewInBackground(a, user, key, *s)
	}
	return s, false
}

// profile is what a renewal brings.
type profile struct {
	nickname, avatar string
	at               time.Time // to the second
}

// renewInBackground renews a person's profile, unless another instance does or has just done so.
func (h *Handler) renewInBackground(a account.ProfileRefresher, user, key string, s session.Session) {
	ctx, cancel := context.WithTimeout(context.Background(), renewalTimeout)
	defer cancel()
	p, err := h.renewedElsewhere(ctx, key, s)
	if errors.Is(err, store.ErrNotFound) {
		p, err = h.renewHere(ctx, a, user, key, s)
	}
	now := h.now()
	switch {
	case err == nil:
		h.memory.renewals.end(key, p, now)
		return
	case errors.Is(err, account.ErrConsentEnded):
		// On every device, with the next navigation, the person logs in again.
		h.logger.Info("a profile could not be renewed: the person withdrew the consent or changed the password",
			zap.String("account", a.Kind()), zap.String("user_id", user), zap.Error(err))
		_ = h.forgetPerson(ctx, user)
		_ = h.revokePerson(ctx, session.UserName(user))
	case errors.Is(err, store.ErrNotFound), errors.Is(err, errRenewedByOther):
	case h.renewalHint.allow(now):
		h.logger.Warn("a profile could not be renewed: it stays as it is for now",
			zap.String("account", a.Kind()), zap.Error(err), cure(err))
	}
	h.memory.renewals.end(key, profile{}, now.Add(renewalPause))
}

// renewedElsewhere returns the profile that another instance, or another session's renewal, brought lately.
func (h *Handler) renewedElsewhere(ctx context.Context, key string, s session.Session) (profile, error) {
	text, err := h.secret(ctx, key)
	if err != nil {
		return profile{}, err
	}
	p, ok := parseProfile(text)
	if !ok || !p.at.After(s.ProfileTime()) {
		return profile{}, store.ErrNotFound
	}
	return p, nil
}

var errSomebodyElse = errors.New("the profile of somebody else came back")

var errRenewedByOther = errors.New("another instance is renewing the profile")

func (h *Handler) renewHere(ctx context.Context, a account.ProfileRefresher, user, key string, s session.Session) (profile, error) {
	renewalKey := h.personKey(renewalArea, a, user)
	renewal, err := h.secret(ctx, renewalKey)
	if err != nil {
		return profile{}, err
	}
	mine, lease := rand.Text(), h.personKey(renewingArea, a, user)
	whose, err := h.store.PutIfAbsent(ctx, lease, []byte(mine), renewalPause) // which rests all instances if this one fails
	if err != nil {
		return profile{}, err
	}
	if string(whose) != mine {
		return profile{}, errRenewedByOther
	}
	grant, err := a.RefreshProfile(ctx, renewal)
	if errors.Is(err, account.ErrConsentEnded) {
		if today, keptErr := h.secret(ctx, renewalKey); keptErr != nil || today != renewal {
			return profile{}, fmt.Errorf("%w: another login brought what to renew with", errRenewedByOther)
		}
	}
	if err != nil {
		return profile{}, err
	}
	if grant.Identity.Get(identity.OpenID) != s.Identity.Get(identity.OpenID) {
		return profile{}, errSomebodyElse
	}
	p := profile{grant.Identity.Get(identity.Nickname), grant.Identity.Get(identity.Avatar), h.now().Truncate(time.Second)}
	if err := h.keepSecret(ctx, key, p.text(), h.refresh); err != nil {
		return profile{}, err
	}
	if grant.RefreshToken != "" && grant.RefreshToken != renewal {
		if err := h.keepSecret(ctx, renewalKey, grant.RefreshToken, account.RefreshTokenLifetime); err != nil {
			return profile{}, err
		}
	}
	if h.isRevoked(a, &s) {
		// Whoever logged out meanwhile wants nothing kept.
		return profile{}, errors.Join(errRenewedByOther, h.forgetPerson(ctx, user))
	}
	return p, h.store.Delete(ctx, lease)
}

// text is what other instances read.
func (p profile) text() string {
	return strconv.FormatInt(p.at.Unix(), 10) + "\n" + p.avatar + "\n" + p.nickname
}

func parseProfile(text string) (profile, bool) {
	parts := strings.SplitN(text, "\n", 3)
	if len(parts) != 3 {
		return profile{}, false
	}
	at, err := strconv.ParseInt(parts[0], 10, 64)
	return profile{avatar: parts[1], nickname: parts[2], at: time.Unix(at, 0)}, err == nil
}
