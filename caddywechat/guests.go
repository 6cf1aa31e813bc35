package caddywechat

// The kinds of accounts and stores that come with the module. The gate knows them by their interfaces only, like
// anybody else's.
import (
	_ "github.com/caddywechat/caddy-wechat/caddywechat/account/miniprogram"
	_ "github.com/caddywechat/caddy-wechat/caddywechat/account/mobileapp"
	_ "github.com/caddywechat/caddy-wechat/caddywechat/account/official"
	_ "github.com/caddywechat/caddy-wechat/caddywechat/account/website"
	_ "github.com/caddywechat/caddy-wechat/caddywechat/account/wecom"
	_ "github.com/caddywechat/caddy-wechat/caddywechat/store/caddystore"
	_ "github.com/caddywechat/caddy-wechat/caddywechat/store/memory"
	_ "github.com/caddywechat/caddy-wechat/caddywechat/store/redis"
)
