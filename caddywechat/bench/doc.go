// Package bench measures what the gate costs: a raw request goes into a real Caddy server, through the gate and the
// real reverse_proxy, and is serialized to nowhere. Nothing waits for a socket, so a difference of a few percent can be
// told from noise, and allocations are exact. What it costs over real sockets is measured by package load.
//
// make bench runs every benchmark many times in turn and prints how each compares with the same chain without the gate.
package bench
