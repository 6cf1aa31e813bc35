// Package listening tells who else listens on a TCP port of this machine, and which addresses this machine has. It
// matters because Caddy's listeners have SO_REUSEPORT: a second process opens the port of a first one without an error,
// and the system hands each of them some of the connections.
//
// It owns how the system is asked for that. It knows nothing of Caddy, and not what is listened for.
package listening
