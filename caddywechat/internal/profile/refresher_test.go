package profile_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/background"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/profile"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
)

// maxAge is how old a profile becomes.
const maxAge = time.Hour

// world is a site that refreshes profiles.
type world struct {
	*sitetest.Parts
	*profile.Refresher
	jobs *profile.Jobs
}

// newWorld makes a site whose account brings the nickname Emma, and then others.
func newWorld(t *testing.T, o sitetest.Options) *world {
	t.Helper()
	o.MaxAge = maxAge
	p := sitetest.New(t, o)
	w := &world{Parts: p, jobs: new(profile.Jobs)}
	w.Refresher = profile.NewRefresher(w.config(maxAge))
	p.Account.Refreshes = func(string) (account.Grant, error) {
		return account.Grant{Identity: sitetest.Named("oEmma", identity.Nickname, "Emma today")}, nil
	}
	return w
}

func (w *world) config(maxAge time.Duration) profile.Config {
	p := w.Parts
	return profile.Config{
		MaxAge: maxAge, Accounts: p.Accounts, Grants: p.Grants, Vault: p.Vault, Revoked: p.Revoked, Jobs: w.jobs,
		Work: p.Work, Now: p.Clock.Now, Logger: p.Logger,
	}
}

// emma returns the session of a login just now, which brought a profile and a refresh token.
func (w *world) emma(t *testing.T) *session.Session {
	t.Helper()
	s := w.Session(w.account(), "oEmma", identity.Nickname, "Emma", identity.Avatar, "https://pictures.example.net/1")
	s.Identity = s.Identity.With(identity.ID, "oEmma")
	if err := w.Parts.Grants.PutRefreshToken(t.Context(), w.account(), "oEmma", "refresh-1"); err != nil {
		t.Fatal(err)
	}
	return &s
}

func (w *world) account() account.Account { return w.Parts.Accounts.All()[0] }

// navigate goes to a page with a session, and waits for the job that this may start.
func (w *world) navigate(s *session.Session, lines ...string) (*session.Session, bool) {
	defer w.Idle()
	return w.Refresh(w.Browser().Request("GET", "/", lines...), s)
}

// wantRefreshed fails the test unless a navigation brings a nickname.
func (w *world) wantRefreshed(t *testing.T, s *session.Session, nickname string) *session.Session {
	t.Helper()
	refreshed, ok := w.navigate(s)
	if !ok || refreshed.Identity.Get(identity.Nickname) != nickname {
		t.Fatalf("got %t, %v, want %s", ok, refreshed.Identity, nickname)
	}
	return refreshed
}

// wantUnchanged fails the test if a navigation brings anything.
func (w *world) wantUnchanged(t *testing.T, s *session.Session) {
	t.Helper()
	if got, ok := w.navigate(s); ok || got != s {
		t.Fatalf("got %v", got.Identity)
	}
}

func TestRefresh_BringsAProfileThatIsOldUpToDate(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	s := w.emma(t)
	before := *s
	w.Clock.Pass(maxAge)
	w.wantUnchanged(t, s) // which starts the job
	refreshed := w.wantRefreshed(t, s, "Emma today")
	if want := w.Clock.Now().Truncate(time.Second); !refreshed.Renewed.Equal(want) {
		t.Errorf("renewed at %s, want %s", refreshed.Renewed, want)
	}
	if got := refreshed.Identity.Get(identity.Avatar); got != "" {
		t.Errorf("the avatar %s is there still, which the person took away", got)
	}
	if refreshed.ID != s.ID || refreshed.Identity.Get(identity.OpenID) != "oEmma" ||
		s.Identity.Get(identity.Nickname) != "Emma" {
		t.Errorf("more than the profile changed, or the session itself: %v, %v", refreshed, before)
	}
	if _, ok := w.navigate(refreshed); ok || w.Account.Calls("RefreshProfile") != 1 {
		t.Errorf("it goes on: %d calls", w.Account.Calls("RefreshProfile"))
	}
	w.Clock.Pass(maxAge)
	if _, ok := w.navigate(refreshed); ok || w.Account.Calls("RefreshProfile") != 2 {
		t.Errorf("it is not refreshed a second time: %d calls", w.Account.Calls("RefreshProfile"))
	}
}

func TestRefresh_LeavesAloneWhatNeedsNone(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	s := w.emma(t)
	w.Clock.Pass(maxAge - 300*time.Millisecond - 1) // sessions are to the second
	w.wantUnchanged(t, s)
	w.Clock.Pass(time.Hour)

	silent := *s
	silent.Identity = s.Identity.Without(identity.Nickname)
	w.wantUnchanged(t, &silent)

	strange := *s
	strange.Account = "wxb" // an account that the site has no more
	w.wantUnchanged(t, &strange)

	w.Refresher = profile.NewRefresher(w.config(0))
	w.wantUnchanged(t, s)
	if n := w.Account.Calls("RefreshProfile"); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func TestRefresh_NeverForPrograms(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	s := w.emma(t)
	w.Clock.Pass(2 * maxAge)
	b := w.Browser()
	b.UseToken(*s)
	for range 2 {
		if got, ok := w.Refresh(b.Request("GET", "/"), s); ok || got != s {
			t.Error("a token's session is refreshed")
		}
		w.Idle()
	}
	if n := w.Account.Calls("RefreshProfile"); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func TestRefresh_NeedsAnAccountThatCan(t *testing.T) {
	all := new(sitetest.Account)
	w := newWorld(t, sitetest.Options{Accounts: []account.Account{struct{ account.Redirector }{all}}})
	s := w.emma(t)
	w.Clock.Pass(2 * maxAge)
	w.wantUnchanged(t, s)
	if n := all.Calls("RefreshProfile"); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func TestRefresh_ResultsComeWithNavigationsOnly(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	s := w.emma(t)
	w.Clock.Pass(maxAge)
	w.navigate(s)
	if _, ok := w.navigate(s, sitetest.Fetch); ok {
		t.Error("a script's request gets a new session")
	}
	if n := w.Account.Calls("RefreshProfile"); n != 1 {
		t.Errorf("%d calls: the result that waits starts another job", n)
	}
	w.wantRefreshed(t, s, "Emma today")
}

func TestRefresh_AnOlderResultIsNone(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	s := w.emma(t)
	w.Clock.Pass(maxAge)
	w.navigate(s) // brings a result of now
	later := w.emma(t)
	w.Clock.Pass(maxAge)
	w.wantUnchanged(t, later) // whose login is as new as the result
	if n := w.Account.Calls("RefreshProfile"); n != 2 {
		t.Errorf("%d calls", n)
	}
}

func TestRefresh_OneJobAtATime(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	s := w.emma(t)
	answer := make(chan struct{})
	begun := make(chan string, 10)
	w.Account.Refreshes = func(token string) (account.Grant, error) {
		begun <- token
		<-answer
		return account.Grant{Identity: sitetest.Named("oEmma", identity.Nickname, "Emma today")}, nil
	}
	w.Clock.Pass(maxAge)
	for range 5 {
		w.Refresh(w.Browser().Request("GET", "/"), s)
	}
	if token := <-begun; token != "refresh-1" {
		t.Errorf("the token is %s", token)
	}
	close(answer)
	w.Idle()
	if n := w.Account.Calls("RefreshProfile"); n != 1 {
		t.Errorf("%d calls", n)
	}
	w.wantRefreshed(t, s, "Emma today") // a second job would have found the first one's lease, and rested
}

func TestRefresh_TheNextSiteGoesOnWhereTheWorkHasEnded(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	s := w.emma(t)
	w.Clock.Pass(maxAge)
	closed := w.config(maxAge)
	closed.Work = background.NewGroup()
	closed.Work.Close()
	profile.NewRefresher(closed).Refresh(w.Browser().Request("GET", "/"), s)
	w.navigate(s)
	w.wantRefreshed(t, s, "Emma today")
}

func TestRefresh_SomeJobsForTheProcess(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	var sessions []*session.Session
	for i := range 33 {
		s := w.emma(t)
		id := "o" + strconv.Itoa(i)
		s.Identity = s.Identity.With(identity.OpenID, id).With(identity.ID, id)
		if err := w.Parts.Grants.PutRefreshToken(t.Context(), w.account(), id, id); err != nil {
			t.Fatal(err)
		}
		sessions = append(sessions, s)
	}
	answer := make(chan struct{})
	w.Account.Refreshes = func(token string) (account.Grant, error) {
		<-answer
		return account.Grant{Identity: sitetest.Named(token, identity.Nickname, "today")}, nil
	}
	w.Clock.Pass(maxAge)
	for _, s := range sessions {
		w.Refresh(w.Browser().Request("GET", "/"), s)
	}
	close(answer)
	w.Idle()
	if n := w.Account.Calls("RefreshProfile"); n != 32 {
		t.Errorf("%d jobs at once", n)
	}
	w.navigate(sessions[32])
	w.wantRefreshed(t, sessions[32], "today")
}
