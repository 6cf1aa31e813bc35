// Command caddywechat is Caddy with WeChat login in it.
package main

import (
	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	"github.com/caddywechat/caddy-wechat/caddywechat"
)

func main() {
	if caddy.CustomBinaryName == "" {
		caddy.CustomBinaryName = "caddywechat"
	}
	// Caddy puts it before its own version.
	if caddy.CustomVersion == "" {
		caddy.CustomVersion = "caddywechat " + caddywechat.Version() + ", Caddy"
	}
	caddycmd.Main()
}
