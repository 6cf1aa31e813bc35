// Package profile refreshes nicknames and avatars in the background. It owns the jobs: at most one for a person, some
// for the process. A session takes over what a job brought with its next navigation; nobody waits.
package profile

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/background"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/grant"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/keyring"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

const (
	// leaseArea of the store has who is refreshing a profile.
	leaseArea = "renewing"
	// timeout bounds a job with all its calls.
	timeout = 30 * time.Second
	// pause is how long a person's refresh rests when it did not work out.
	pause = time.Minute
)

// Revoked knows whose sessions are over, and ends them.
type Revoked interface {
	Ends(*session.Session) bool
	// EndPerson ends all sessions of somebody as the app knows them.
	EndPerson(ctx context.Context, userID string) error
}

// Config is what a [Refresher] is made of.
type Config struct {
	MaxAge   time.Duration // how old a profile becomes before it is refreshed; 0: any age
	Accounts *account.Set
	Grants   *grant.Keeper
	Vault    *keyring.Vault
	Revoked  Revoked
	Jobs     *Jobs // of the process
	Work     *background.Group
	Now      func() time.Time
	Logger   *zap.Logger
}

// Refresher brings the profiles in one site's sessions up to date. It is safe for concurrent use.
type Refresher struct {
	Config
	hint event.Hint
}

// NewRefresher returns a refresher that has nothing to do yet.
func NewRefresher(c Config) *Refresher { return &Refresher{Config: c} }

// Refresh returns the session to go on with, and whether that is a new one: an old profile starts a job, and a
// navigation after that takes its result over.
func (f *Refresher) Refresh(r *visitor.Request, s *session.Session) (*session.Session, bool) {
	if len(r.Tokens) > 0 || f.MaxAge == 0 {
		return s, false
	}
	now := f.Now()
	if now.Sub(s.ProfileTime()) < f.MaxAge || !f.Accounts.HasProfile(s.Account, s.Identity) {
		return s, false
	}
	a, ok := f.Accounts.Of(s.Account, s.Identity).(account.ProfileRefresher)
	if !ok {
		return s, false
	}
	userID := s.Identity.Get(identity.ID)
	key := f.Grants.ProfileKey(a, userID)
	if p := f.Jobs.result(key); p.at.After(s.ProfileTime()) {
		if !visitor.IsNavigation(r.Request) {
			return s, false
		}
		refreshed := *s
		refreshed.Renewed = p.at
		refreshed.Identity = s.Identity.Without(identity.Nickname).Without(identity.Avatar).
			With(identity.Nickname, p.nickname).
			With(identity.Avatar, p.avatar)
		return &refreshed, true
	}
	if f.Jobs.start(key, now) {
		job := job{refresher: f, account: a, userID: userID, key: key, session: *s, cause: r.ID()}
		if !f.Work.Go(job.run) { // a reload has given the site another store
			f.Jobs.end(key, profile{}, now)
		}
	}
	return s, false
}

// job refreshes a person's profile.
type job struct {
	refresher *Refresher
	account   account.ProfileRefresher
	userID    string
	key       string // of the profile in the store
	session   session.Session
	cause     string // the id of the request that started the job
}

var (
	errNothing       = errors.New("there is nothing to refresh the profile with")
	errSomebodyElse  = errors.New("the profile of somebody else came back")
	errOtherInstance = errors.New("another instance is refreshing the profile")
)

// run refreshes the profile, unless another instance does or has just done so.
func (j job) run(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	f := j.refresher
	p, err := j.fromOtherInstance(ctx)
	if err == nil && p.at.IsZero() {
		p, err = j.fromWeChat(ctx)
	}
	now := f.Now()
	if err == nil {
		f.Jobs.end(j.key, p, now)
		return
	}
	fields := []zap.Field{
		zap.String("account", j.account.Kind()), zap.String("app_id", account.Ref(j.account)), zap.Error(err),
		zap.String("request_id", j.cause),
	}
	switch {
	case errors.Is(err, account.ErrConsentEnded):
		// On every device, with the next navigation, the person logs in again.
		f.Logger.Info("a profile could not be renewed: the person withdrew the consent or changed the password",
			append(fields, zap.String("user_id", j.userID))...)
		_ = f.Grants.Forget(ctx, j.userID)
		_ = f.Revoked.EndPerson(ctx, j.userID)
	case errors.Is(err, errNothing), errors.Is(err, errOtherInstance), errors.Is(err, context.Canceled):
	default:
		f.hint.Do(f.Now(), func() {
			f.Logger.Warn("a profile could not be renewed: it stays as it is for now",
				append(fields, problem.CureField(err))...)
		})
	}
	f.Jobs.end(j.key, profile{}, now.Add(pause))
}

// fromOtherInstance returns the profile that another instance, or another session's job, brought lately; a zero one
// where none did.
func (j job) fromOtherInstance(ctx context.Context) (profile, error) {
	text, err := j.refresher.Vault.Get(ctx, j.key)
	if err != nil {
		return profile{}, err
	}
	p := parseProfile(string(text))
	if !p.at.After(j.session.ProfileTime()) {
		return profile{}, nil
	}
	return p, nil
}

// fromWeChat asks WeChat for the profile, for all instances.
func (j job) fromWeChat(ctx context.Context) (profile, error) {
	f := j.refresher
	token, err := f.Grants.RefreshToken(ctx, j.account, j.userID)
	if err != nil {
		return profile{}, err
	}
	if token == "" {
		return profile{}, errNothing
	}
	mine, lease := rand.Text(), f.Grants.Key(leaseArea, j.account, j.userID)
	// The pause rests all instances if this one fails.
	whose, err := f.Vault.Store.PutIfAbsent(ctx, lease, []byte(mine), pause)
	if err != nil {
		return profile{}, err
	}
	if string(whose) != mine {
		return profile{}, errOtherInstance
	}
	granted, err := j.account.RefreshProfile(ctx, token)
	if errors.Is(err, account.ErrConsentEnded) {
		// Of a store that fails there is none, and nobody's session ends by a guess.
		if today, _ := f.Grants.RefreshToken(ctx, j.account, j.userID); today != token {
			return profile{}, fmt.Errorf("%w: another login brought what to refresh with", errOtherInstance)
		}
	}
	if err != nil {
		return profile{}, err
	}
	if granted.Identity.Get(identity.OpenID) != j.session.Identity.Get(identity.OpenID) {
		return profile{}, errSomebodyElse
	}
	p := profile{
		nickname: granted.Identity.Get(identity.Nickname),
		avatar:   granted.Identity.Get(identity.Avatar),
		at:       f.Now().Truncate(time.Second),
	}
	if err := f.Vault.Put(ctx, j.key, []byte(p.text()), f.MaxAge); err != nil {
		return profile{}, err
	}
	if granted.RefreshToken != "" && granted.RefreshToken != token {
		if err := f.Grants.PutRefreshToken(ctx, j.account, j.userID, granted.RefreshToken); err != nil {
			return profile{}, err
		}
	}
	if f.Revoked.Ends(&j.session) {
		// Whoever logged out meanwhile wants nothing kept.
		return profile{}, errors.Join(errOtherInstance, f.Grants.Forget(ctx, j.userID))
	}
	return p, f.Vault.Store.Delete(ctx, lease)
}
