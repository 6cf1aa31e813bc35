package simulator

import (
	"context"
	"slices"
)

// state is all that changes while a simulator runs, and that Reset renews.
type state struct {
	quirks        Quirks
	people        []Person
	holder        string // the id of who holds the phone
	codes         shelf[*code]
	qrLogins      shelf[*qrLogin]
	accessTokens  shelf[*accessToken]
	refreshTokens shelf[*refreshToken]
	userTickets   shelf[*userTicket]
	servers       serverTokens
	programs      programs
	faults        []Fault
	journal       journal

	// alive ends when the state is reset or the simulator closed: what waits or hangs then stops.
	alive context.Context
	end   context.CancelFunc
}

// newState is how the configuration says that a simulator starts.
func newState(parent context.Context, config Config) state {
	alive, end := context.WithCancel(parent)
	return state{
		quirks:        config.Quirks,
		people:        slices.Clone(config.People),
		holder:        config.People[0].ID,
		codes:         newShelf[*code](),
		qrLogins:      newShelf[*qrLogin](),
		accessTokens:  newShelf[*accessToken](),
		refreshTokens: newShelf[*refreshToken](),
		userTickets:   newShelf[*userTicket](),
		servers:       newServerTokens(),
		programs:      newPrograms(),
		journal:       newJournal(),
		alive:         alive,
		end:           end,
	}
}

// Reset brings the simulator back to how it was started: people, who holds the phone and quirks are those of Config;
// faults, journal, QR codes, codes and tokens are forgotten. Calls that hang are cut and duplicate callbacks under way
// given up.
// The sequence numbers of the journal go on, so that nobody waits for one that has been.
func (s *Simulator) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end()
	fresh := newState(s.open, s.config)
	fresh.journal.last = s.journal.last
	s.state = fresh
}

// life ends with Reset or Close, whichever comes first.
func (s *Simulator) life() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.alive
}
