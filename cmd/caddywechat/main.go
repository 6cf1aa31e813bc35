// Command caddywechat is Caddy with WeChat login in it.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddywechat/caddy-wechat/caddywechat"
)

func main() { caddycmd.Main() }
