package caddywechat

import (
	"net/netip"
	"sync"
	"time"
)

// refusals counts by client address the codes that WeChat refused within a minute: whoever tries codes is to be slow. The
// zero value is ready to use.
type refusals struct {
	mu sync.Mutex
	of map[refusedAt]*refused
}

// refusedAt is a client's network at an account: what goes on at one is none of another's. The host would not do, which
// clients write as they like.
type refusedAt struct {
	appID   string
	network netip.Prefix
}

type refused struct {
	since time.Time
	count int
}

const (
	// maxRefused is how many codes of one address may be refused within a minute.
	maxRefused = 10
	// maxAddresses bounds the memory; beyond it everybody's count begins anew.
	maxAddresses = 50_000
)

// add counts what was refused ip at an account. A client without an address is everybody behind a proxy, and not counted.
func (r *refusals) add(appID, ip string, now time.Time) {
	at := refusedAt{appID, networkOf(ip)}
	if !at.network.IsValid() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil || len(r.of) >= maxAddresses {
		r.of = make(map[refusedAt]*refused)
	}
	one := r.of[at]
	if one == nil || now.Sub(one.since) >= time.Minute {
		one = &refused{since: now}
		r.of[at] = one
	}
	one.count++
}

// exceeded reports whether ip has to wait.
func (r *refusals) exceeded(appID, ip string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.of[refusedAt{appID, networkOf(ip)}]
	return one != nil && now.Sub(one.since) < time.Minute && one.count >= maxRefused
}

// networkOf is the address, of IPv6 the /64 that one subscriber has. What is no address has none.
func networkOf(ip string) netip.Prefix {
	address, err := netip.ParseAddr(ip)
	if err != nil {
		return netip.Prefix{}
	}
	bits := 64
	if address = address.Unmap().WithZone(""); address.Is4() {
		bits = 32
	}
	network, _ := address.Prefix(bits)
	return network
}
