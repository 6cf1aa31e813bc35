package store

import "time"

// Atomic is one of the interfaces that a [Store] may implement besides, with [KeyStorage], [Clocked] and [Connected].
// The host asks the store itself for them: a wrapper, such as [Watched], hides those that it does not implement, too.
//
// It is a store whose PutIfAbsent is one step at one place: it says at once, in the time of a call over the network,
// which of all instances was first, and never that two were. Logins may ask it on their way.
type Atomic interface {
	// IsAtomic reports whether it is so. A store that wraps another one asks that.
	IsAtomic() bool
}

// KeyStorage is a store that has something to say about holding the session key that the host makes if none is
// configured: whoever reads the key can be anybody, and when it is lost everybody is logged out.
type KeyStorage interface {
	// CheckKeyStorage returns a warning for the log, "" for none, or an error if the key must be configured. Both say
	// what to write.
	CheckKeyStorage() (warning string, err error)
}

// Clocked is a store that judges by a clock of its process whether a lifetime is over. One whose server judges that by
// a clock of its own is none.
type Clocked interface {
	// UseClock replaces that clock, which is time.Now until then. The host calls it once the store is provisioned and
	// before it uses it, so that everything of the host's goes by one clock, also in tests.
	UseClock(now func() time.Time)
}

// Connected is a store that says where it is. The host shares among all stores of the same place, and beyond reloads of
// the configuration, what it knows of that place: whether it works, and what was read from it. It goes by the
// configuration for a store that is not Connected.
type Connected interface {
	// Connection returns a text for the place in one form, with placeholders resolved and defaults filled in: stores
	// that are provisioned with the same text are the same place for the same user, and others are taken for different
	// ones. It is called once the store is provisioned, and does no I/O.
	//
	// The text may hold credentials. It must never be logged, stored or shown: the host uses a digest of it.
	Connection() string
}
