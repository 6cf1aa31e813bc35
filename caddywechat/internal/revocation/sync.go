package revocation

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/background"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

const (
	// sessionJournal is where instances tell one another which sessions were logged out, operatorJournal what lasts
	// longer. Two, since a store may keep what is over as long as something older is not.
	sessionJournal  = "revoked"
	operatorJournal = "revoked-by-operator"
	// readEvery is how often an instance looks for what others revoked: within five seconds all know.
	readEvery = 2 * time.Second
	// firstReadTimeout is how long the first requests wait for what was revoked before this process started. A store
	// that is down or slow logs nobody out: they go on without it then.
	firstReadTimeout = 2 * time.Second
	// readTimeout bounds what one look for revocations, or one try to write, waits for the store.
	readTimeout = 3 * time.Second
)

// Sync keeps a [List] in step with the store that all its sites share, beyond reloads of the configuration: it reads
// what other instances revoke, and tells them what is revoked here. It works with the store and the keys of the site
// that joined last. It is safe for concurrent use.
type Sync struct {
	list   List
	status *store.Status
	work   *background.Group

	start sync.Once
	read  chan struct{} // closed when what was revoked before is known, or was waited for long enough

	mu    sync.Mutex
	sites []*Site // the newest last

	reading  sync.Mutex // held while the journals are read
	journals []journal  // how far they were read
	reader   *Site      // whose store they are of

	pending   pendingRecords // what the store does not know yet
	replacing sync.Mutex     // held while a session takes the place of another one
	hints     hints
}

// hints are lines of the log about what stands in a journal and does not count: each once an hour.
type hints struct{ forged, version, old, otherKeys event.Hint }

const hintEvery = time.Hour

// NewSync returns the Sync of a store, whose status it looks at. It does nothing before somebody needs it, and has to
// be closed.
func NewSync(status *store.Status) *Sync {
	return &Sync{
		status: status, work: background.NewGroup(), read: make(chan struct{}),
		hints: hints{
			forged: event.Hint{Every: hintEvery}, version: event.Hint{Every: hintEvery},
			old: event.Hint{Every: hintEvery}, otherKeys: event.Hint{Every: hintEvery},
		},
	}
}

// Join makes a site one of those that use the store. Others work with it from then on, so it must be ready. seen
// returns the site's live sessions that came to this instance lately, for operators who want to know how many they
// revoke.
func (s *Sync) Join(site *Site, seen func() iter.Seq[*session.Session]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	site.seen = seen
	s.sites = append(s.sites, site)
}

// Leave ends what [Sync.Join] started. What the store did not take yet is told it once more when the last site leaves,
// in the background.
func (s *Sync) Leave(site *Site) {
	s.mu.Lock()
	isLast := len(s.sites) == 1 && s.sites[0] == site
	s.sites = slices.DeleteFunc(s.sites, func(other *Site) bool { return other == site })
	s.mu.Unlock()
	if isLast {
		go s.flush(context.Background(), site) // the work of the store has ended by now
	}
}

// Sites returns the sites that use the store.
func (s *Sync) Sites() []*Site {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sites)
}

// newest returns the site that came last, whose configuration is the one to work with; nil when there is none any more.
func (s *Sync) newest() *Site {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sites) == 0 {
		return nil
	}
	return s.sites[len(s.sites)-1]
}

// Close ends what goes on in the background, and waits for nothing.
func (s *Sync) Close() { s.work.Close() }

// Follow starts to read what is revoked, and to look whether a store that failed works again, until the store is no
// longer used. It waits for nothing.
func (s *Sync) Follow() {
	s.start.Do(func() {
		if !s.work.Go(s.follow) { // nobody uses the store any more
			close(s.read)
		}
	})
}

// Await waits until this process knows what was revoked before it started, as far as the store tells. It waits in the
// first moments of a process only.
func (s *Sync) Await(ctx context.Context) {
	s.Follow()
	select {
	case <-s.read: // takes no lock when nobody needs to wait
		return
	default:
	}
	select {
	case <-s.read:
	case <-ctx.Done():
	}
}

// follow reads what other instances revoke, and tells them what they do not know yet.
func (s *Sync) follow(ctx context.Context) {
	goOn := sync.OnceFunc(func() { close(s.read) })
	defer goOn()
	time.AfterFunc(firstReadTimeout, goOn)

	isKnown := false // whether all that was revoked before is
	ticker := time.NewTicker(readEvery)
	defer ticker.Stop()
	for {
		if site := s.newest(); site != nil {
			started := site.Now()
			isRead := s.Exchange(ctx)
			if took := site.Now().Sub(started); !isKnown && (!isRead || took > firstReadTimeout) {
				site.Logger.Warn("the store did not tell in time what was revoked before: "+
					"until it does, such sessions go on",
					zap.Bool("known now", isRead), zap.Duration("after", took))
			}
			isKnown = isKnown || isRead
			goOn()
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// Exchange applies what other instances revoked since it was called last, and tells them what is revoked here and they
// do not know yet. It reports whether all that they revoked could be read. Whoever follows the store calls it now and
// then.
func (s *Sync) Exchange(ctx context.Context) (all bool) {
	site := s.newest()
	if site == nil {
		return false
	}
	s.reading.Lock()
	if site != s.reader { // which has other keys, perhaps: from the beginning
		s.journals, s.reader = site.openJournals(), site
	}
	all = site.readJournals(ctx, s.journals)
	s.reading.Unlock()
	s.sendPending(ctx, site)
	s.probe(ctx, site)
	return all
}

// probe writes to a store that could not be written, to find out whether it can be again.
func (s *Sync) probe(ctx context.Context, site *Site) {
	if !s.status.FailsToWrite() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	_ = site.Store.Put(ctx, "probe", nil, time.Minute) // the status keeps what comes of it
}

// journal is one of the journals of a store, and how far it was read.
type journal struct {
	store.Reader
	name string
}

// openJournals returns readers of what other instances revoke, from the beginning.
func (s *Site) openJournals() (journals []journal) {
	for _, name := range []string{sessionJournal, operatorJournal} {
		journals = append(journals, journal{s.Store.Follow(name), name})
	}
	return journals
}

// readJournals applies what other instances revoked, and reports whether that is all there is. An error is logged by
// the store's watch; what could be read counts all the same.
func (s *Site) readJournals(ctx context.Context, journals []journal) (all bool) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	// First, for what is read is not read again.
	secrets, err := s.sync.secrets(ctx)
	if err != nil {
		return false
	}
	keys := sync.OnceValue(func() map[seal.KeyID]seal.Key { return keysByID(secrets) })
	all = true
	for _, j := range journals {
		records, err := j.Read(ctx)
		for _, record := range records {
			s.applyRecord(keys(), j.name, record)
		}
		all = all && err == nil
	}
	return all
}

// applyRecord applies what stands in a record of a journal, where anybody who can write to the store may have put it.
func (s *Site) applyRecord(keys map[seal.KeyID]seal.Key, journal string, record []byte) {
	found, err := ReadRecord(keys, journal, record)
	for _, r := range found {
		if s.believes(r) {
			s.apply(r)
		}
	}
	hints := &s.sync.hints
	switch {
	case err == nil:
	case errors.Is(err, ErrOtherKeys):
		hints.otherKeys.Do(s.Now(), func() {
			s.Logger.Info("the store has revocations of sites with other session keys, which don't count here")
		})
	case errors.Is(err, ErrVersion):
		hints.version.Do(s.Now(), func() {
			s.Logger.Warn("a revocation in the store is not understood: is an instance of a newer version running?",
				zap.Error(err))
		})
	default:
		hints.forged.Do(s.Now(), func() {
			s.Logger.Warn("a revocation in the store is forged or damaged, and does not count: who else can write to "+
				"the store?", zap.String("journal", journal), zap.Error(err))
		})
	}
}

// believes reports whether a revocation counts that was read from the store. One that an older version wrote may be
// anybody's. It counts where whoever can write to the store could be anybody anyway, and where it names a session,
// which only those can who were told its random id.
func (s *Site) believes(r Revocation) bool {
	if !r.IsOld() || r.IsOfOneSession() || s.Keyring.KeepsKey {
		return true
	}
	s.sync.hints.old.Do(s.Now(), func() {
		s.Logger.Warn("revocations of people or of everybody that an older version wrote don't count, " +
			"for anybody may have written them to this store: " +
			"give the orders again that were given before the upgrade")
	})
	return false
}
