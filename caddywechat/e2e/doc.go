// Package e2e tests the program as its users run it: the built binary as a process of its own, with a real Caddyfile,
// the simulator as WeChat, and real programs around it.
//
// Tests run side by side, as most of them wait most of the time: each has ports, folders and browser tabs of its own.
// A few come first and alone, because they count or name what other tests change. With -short tests that start
// programs are skipped.
package e2e
