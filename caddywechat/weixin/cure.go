package weixin

import "errors"

// Cure returns what an operator can do about an error of this package, "" where they cannot do anything.
// The codes are those of https://developers.weixin.qq.com/doc/store/API/basics/commErrCode.html and
// https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken, and of WeCom's
// https://developer.work.weixin.qq.com/document/path/90313.
func Cure(err error) string {
	switch {
	case errors.Is(err, ErrTokenRefused):
		return tokenCure
	case errors.Is(err, ErrUnreadable):
		return "WeChat answers otherwise than this version knows it: the error says what came; " +
			"if a newer version does not help, report it"
	case errors.Is(err, ErrTimeout), errors.Is(err, ErrUnreachable):
		return "if this lasts, check that this server gets out to api.weixin.qq.com:443, " +
			"or for WeCom to qyapi.weixin.qq.com:443"
	}
	apiErr, ok := errors.AsType[*Error](err)
	switch {
	case !ok:
		return ""
	case apiErr.WeCom:
		return weComCures[apiErr.Code]
	default:
		return cures[apiErr.Code]
	}
}

// tokenCure is for a server token that is refused although it is new.
const tokenCure = "if other programs of this account fetch tokens, let them use stable_token without force_refresh; " +
	"if there are none, see whether the account may use what was asked for"

// Where WeChat's consoles have what a cure is about. That of service accounts (服务号) moved in December 2025
// (https://developers.weixin.qq.com/doc/service/guide/dev/migration.html), but for their domains and permissions.
const (
	serviceAccount = "a service account's at developers.weixin.qq.com/platform → 我的业务 → 服务号 → "
	miniProgram    = "a mini-program's at mp.weixin.qq.com → 开发管理 → 开发设置"
	openPlatform   = "a website's or mobile app's at open.weixin.qq.com → 管理中心"

	appIDPlace     = serviceAccount + "基础信息; " + miniProgram + "; " + openPlatform
	secretPlace    = serviceAccount + "开发密钥 → AppSecret; " + miniProgram + " → AppSecret; " + openPlatform
	whitelistPlace = serviceAccount + "开发密钥 → IP 白名单; " + miniProgram + " → IP白名单"
)

var cures = map[int]string{
	-1:    "WeChat is busy: nothing to change here",
	40001: "check the app secret: WeChat takes it for another account's, or it was reset; " + secretPlace,
	40013: "check the app id: WeChat does not know it; " + appIDPlace,
	40125: "check the app secret: WeChat takes it for wrong, or it was reset; " + secretPlace,
	40164: "add this server's IP address, which the error names, to the account's IP whitelist; " + whitelistPlace,
	40243: "unfreeze the app secret (解冻); " + secretPlace,
	41002: "the app id is empty: check the configuration",
	41004: "the app secret is empty: check the configuration",
	43004: "the account lets only its followers do this: have visitors follow it first",
	45009: "the account's daily quota of calls is used up: wait, or reset it; " +
		serviceAccount + "接口额度; " + miniProgram,
	45011: "too many calls within a minute: wait",
	48001: "the account may not use web authorization: it must be a verified service account (已认证的服务号); " +
		"see mp.weixin.qq.com → 设置与开发 → 接口权限",
	48004: "the account was forbidden to use this API: see the notices (通知中心) at mp.weixin.qq.com",
	50001: "WeChat does not let this account do this: check the scopes that the account was granted, " +
		"at mp.weixin.qq.com → 设置与开发 → 接口权限",
	50002: "the account is restricted: see the notices (通知中心) at mp.weixin.qq.com",

	// An administrator is asked about an IP address that is in no whitelist.
	89501: "an administrator of the account has yet to confirm this server's IP address: have them do so, or " +
		insteadOfAsking,
	89503: "an administrator of the account must confirm this server's IP address: have them do so, or " +
		insteadOfAsking,
	89506: "an administrator refused this server's IP address twice within a day, so that it is barred for 24 hours: " +
		"speak with them, and " + insteadOfAsking,
	89507: "an administrator refused this server's IP address, so that it is barred for an hour: " +
		"speak with them, and " + insteadOfAsking,
}

const insteadOfAsking = "add it to the IP whitelist, after which nobody is asked; " + whitelistPlace

// weComApp is where WeCom's console has what belongs to an app.
const weComApp = "at work.weixin.qq.com → 应用管理 → the app"

var weComCures = map[int]string{
	-1: "WeCom is busy: nothing to change here",
	40001: "check the secret: WeCom takes it for no app's of this company, or it was reset; it is " + weComApp +
		" → Secret",
	40013: "check the corp id (企业ID): WeCom does not know it; it is at work.weixin.qq.com → 我的企业 → 企业信息",
	40056: "check agent_id (AgentId): WeCom takes it for none of the company's apps; it is " + weComApp,
	40058: "WeCom takes a parameter for wrong: check corp id, secret and agent_id",
	40091: "check the secret: WeCom takes it for wrong; it is " + weComApp + " → Secret",
	41002: "the corp id is empty: check the configuration",
	41004: "the secret is empty: check the configuration",
	45009: "the WeCom app asked too often: wait",
	45033: "too many calls of the WeCom app at once: wait",
	48002: "the WeCom app may not use this API: check its permissions " + weComApp,
	50001: "make the site's host, with the port if it has one, the WeCom app's trusted domain (可信域名) " + weComApp +
		" → 网页授权及JS-SDK, and check that agent_id and secret are of the same app",
	50003:  "the WeCom app is disabled: enable it " + weComApp,
	60011:  "the WeCom app may not see this member: add them to its visible range (可见范围) " + weComApp,
	60020:  "add this server's IP address to the WeCom app's trusted IPs (企业可信IP) " + weComApp,
	81013:  "nobody of those is in the WeCom app's visible range (可见范围): add them " + weComApp,
	301002: "the WeCom app may not act as this one: check that agent_id and secret are of the same app",
}
