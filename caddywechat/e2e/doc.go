// Package e2e tests the program as its users run it: the built binary as a process of its own, with a real Caddyfile,
// the simulator as WeChat, and real programs around it.
package e2e
