package simulator

import (
	"context"
	"slices"
	"time"
)

// state is all that changes while a simulator runs, and that Reset renews.
type state struct {
	quirks        Quirks
	people        []Person
	holder        string // the id of who holds the phone
	codes         boundedMap[*code]
	qrLogins      boundedMap[*qrLogin]
	accessTokens  boundedMap[*accessToken]
	refreshTokens boundedMap[*refreshToken]
	userTickets   boundedMap[*userTicket]
	serverTokens  serverTokens
	followers     map[follower]time.Time // since when
	miniPrograms  miniProgramState
	faults        []Fault
	journal       journal

	// ctx is canceled when the state is reset or the simulator closed: what waits or hangs then stops.
	ctx    context.Context
	cancel context.CancelFunc
}

// newState is how the configuration says that a simulator starts.
func newState(parent context.Context, config Config) state {
	ctx, cancel := context.WithCancel(parent)
	return state{
		quirks:        config.Quirks,
		people:        slices.Clone(config.People),
		holder:        config.People[0].ID,
		codes:         newBoundedMap[*code](),
		qrLogins:      newBoundedMap[*qrLogin](),
		accessTokens:  newBoundedMap[*accessToken](),
		refreshTokens: newBoundedMap[*refreshToken](),
		userTickets:   newBoundedMap[*userTicket](),
		serverTokens:  newServerTokens(),
		followers:     make(map[follower]time.Time),
		miniPrograms:  newMiniProgramState(),
		journal:       newJournal(),
		ctx:           ctx,
		cancel:        cancel,
	}
}

// Reset brings the simulator back to how it was started: people, who holds the phone and quirks are those of Config;
// faults, journal, QR codes, codes and tokens are forgotten. Calls that hang are cut and duplicate callbacks under way
// given up.
// The sequence numbers of the journal go on, so that nobody waits for one that has been.
func (s *Simulator) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancel()
	fresh := newState(s.baseCtx, s.config)
	fresh.journal.last = s.journal.last
	s.state = fresh
}

// stateContext is canceled by Reset or Close, whichever comes first.
func (s *Simulator) stateContext() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ctx
}
