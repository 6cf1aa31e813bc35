package caddywechat

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

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
	// firstReadTimeout is how long the first requests wait for what was revoked before this process began. A store that
	// is down or slow logs nobody out: they go on without it then.
	firstReadTimeout = 2 * time.Second
	// strangeEvery is how often the log tells of what stands in a journal and does not count.
	strangeEvery = time.Hour
)

// revocations is what this process knows to be revoked at the sites of one store, and keeps it in step with the store.
type revocations struct {
	revoked session.Revoked

	begin sync.Once
	read  chan struct{} // closed when what was revoked before is known, or was waited for long enough
	end   context.CancelFunc

	pending pendingRecords // what the store does not know yet

	replacing sync.Mutex // held while a session takes the place of another one

	forgedHint, versionHint, oldHint, otherKeysHint pause
}

// knowRevocations makes sure that this process knows what was revoked before it began, as far as the store tells. It
// waits in the first moments of a process only.
func (h *Handler) knowRevocations(ctx context.Context) {
	h.shared.follow()
	select {
	case <-h.shared.read: // takes no lock when nobody needs to wait
		return
	default:
	}
	select {
	case <-h.shared.read:
	case <-ctx.Done():
	}
}

// follow begins to read what is revoked, and to look whether a store that failed works again, until the store is no
// longer used.
func (s *sharedStore) follow() {
	s.begin.Do(func() {
		s.read = make(chan struct{})
		var running context.Context
		running, s.end = context.WithCancel(context.Background())
		go s.followRevocations(running)
	})
}

func (r *revocations) stop() {
	r.begin.Do(func() { // from now on nobody begins
		r.read, r.end = make(chan struct{}), func() {}
		close(r.read)
	})
	r.end()
}

// followRevocations reads what other instances revoke, and tells them what they do not know yet.
func (s *sharedStore) followRevocations(ctx context.Context) {
	goOn := sync.OnceFunc(func() { close(s.read) })
	defer goOn()
	time.AfterFunc(firstReadTimeout, goOn)

	var readers []journalReader
	var reading *Handler // whose store the readers read
	isKnown := false     // whether all that was revoked before is
	ticker := time.NewTicker(readEvery)
	defer ticker.Stop()
	for {
		if h := s.newest(); h != nil {
			if h != reading { // which has other keys, perhaps: from the beginning
				readers, reading = h.journals(), h
			}
			begun := h.now()
			isRead := h.readRevocations(ctx, readers)
			if took := h.now().Sub(begun); !isKnown && (!isRead || took > firstReadTimeout) {
				h.logger.Warn("the store did not tell in time what was revoked before: until it does, such sessions go on",
					zap.Bool("known now", isRead), zap.Duration("after", took))
			}
			isKnown = isKnown || isRead
			s.sendPending(ctx, h)
			h.probe(ctx)
			goOn()
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// journalReader reads one of the journals.
type journalReader struct {
	store.Reader
	journal string
}

// journals returns readers of what other instances revoke, from the beginning.
func (h *Handler) journals() (readers []journalReader) {
	for _, journal := range []string{sessionJournal, operatorJournal} {
		readers = append(readers, journalReader{h.store.Follow(journal), journal})
	}
	return readers
}

// readRevocations takes to heart what other instances revoked, and reports whether that is all there is. An error is
// logged by the store's watch; what could be read counts all the same.
func (h *Handler) readRevocations(ctx context.Context, readers []journalReader) (all bool) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	// First, for what is read is not read again.
	secrets, err := h.shared.secrets(ctx)
	if err != nil {
		return false
	}
	keys := sync.OnceValue(func() map[seal.Mark]seal.Key { return byMark(secrets) })
	all = true
	for _, reader := range readers {
		records, err := reader.Read(ctx)
		for _, record := range records {
			h.takeToHeart(keys(), reader.journal, record)
		}
		all = all && err == nil
	}
	return all
}

// takeToHeart adds what stands in a record of a journal, where anybody who can write to the store may have put it.
func (h *Handler) takeToHeart(keys map[seal.Mark]seal.Key, journal string, record []byte) {
	found, err := session.ReadRecord(keys, journal, record)
	for _, r := range found {
		if h.believes(r) {
			h.addRevocation(r)
		}
	}
	shared, now := h.shared, h.now()
	switch {
	case err == nil:
	case errors.Is(err, session.ErrOtherKeys):
		if shared.otherKeysHint.allow(now, strangeEvery) {
			h.logger.Info("the store has revocations of sites with other session keys, which don't count here")
		}
	case errors.Is(err, session.ErrVersion):
		if shared.versionHint.allow(now, strangeEvery) {
			h.logger.Warn("a revocation in the store is not understood: is an instance of a newer version running?", zap.Error(err))
		}
	case shared.forgedHint.allow(now, strangeEvery):
		h.logger.Warn("a revocation in the store is forged or damaged, and does not count: who else can write to the store?",
			zap.String("journal", journal), zap.Error(err))
	}
}

// believes reports whether a revocation counts that was read from the store. One that an older version wrote may be
// anybody's. It counts where whoever can write to the store could be anybody anyway, and where it names a session,
// which only those can who were told its random id.
func (h *Handler) believes(r session.Revocation) bool {
	if !r.IsOld() || r.IsOfOneSession() || h.keepsKeys {
		return true
	}
	if h.shared.oldHint.allow(h.now(), strangeEvery) {
		h.logger.Warn("revocations of people or of everybody that an older version wrote don't count, for anybody may have " +
			"written them to this store: give the orders again that were given before the upgrade")
	}
	return false
}

func (h *Handler) addRevocation(r session.Revocation) {
	if !h.shared.revoked.Add(r, h.now()) && h.revokedHint.allow(h.now()) {
		h.logger.Warn("more sessions are revoked than this process remembers: those that end first go on")
	}
}

// revocationPurpose is what the keys are for that prove revocations.
const revocationPurpose = "revocation"

func byMark(secrets [][]byte) map[seal.Mark]seal.Key {
	found, _ := seal.NewKeys(revocationPurpose, secrets...) // what a session key can be was judged before
	keys := make(map[seal.Mark]seal.Key, len(found))
	for _, key := range found {
		keys[key.Mark] = key
	}
	return keys
}

// secrets returns the session keys of the sites, each once. The error is the store's, which does not say what keys
// there are.
func (s *sharedStore) secrets(ctx context.Context) ([][]byte, error) {
	secrets, lacking, err := s.knownSecrets(ctx)
	if err != nil || lacking == nil {
		return secrets, err
	}
	made, err := existingMadeKey(ctx, lacking.store) // by somebody else
	switch {
	case errors.Is(err, store.ErrNotFound):
		return secrets, nil
	case err != nil:
		return nil, err
	}
	return append(secrets, made), nil
}

// secretsAtHand returns the session keys, none where not all can be had without asking the store.
func (s *sharedStore) secretsAtHand() [][]byte {
	done, cancel := context.WithCancel(context.Background())
	cancel()
	if secrets, lacking, err := s.knownSecrets(done); err == nil && lacking == nil {
		return secrets
	}
	return nil
}

// knownSecrets returns the session keys of the sites, each once, and a site that lacks its one, if any does.
func (s *sharedStore) knownSecrets(ctx context.Context) (secrets [][]byte, lacking *Handler, err error) {
	seen := make(map[string]bool)
	for _, site := range s.all() {
		known, err := site.keyring.known(ctx)
		if err != nil {
			return nil, nil, err
		}
		if known == nil {
			lacking = site
			continue
		}
		for _, secret := range known.secrets {
			if !seen[string(secret)] {
				seen[string(secret)] = true
				secrets = append(secrets, secret)
			}
		}
	}
	return secrets, lacking, nil
}

// probe writes to a store that could not be written, to find out whether it can be again.
func (h *Handler) probe(ctx context.Context) {
	if !h.shared.FailsToWrite() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	_ = h.store.Put(ctx, "probe", nil, time.Minute) // its watch takes note
}
