package e2e

// look is what a site can tell of a browser.
type look struct {
	agent    string // User-Agent; empty: Chromium's own
	language string // Accept-Language; empty: zh-CN
	dark     bool
	wide     bool // a computer's window; else a phone's
}

// Browsers as they present themselves.
var (
	iPhone  = look{agent: inWeChat}
	android = look{agent: "Mozilla/5.0 (Linux; Android 10; ONEPLUS A5000 Build/QKQ1.191014.012; wv) " +
		"AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/111.0.5563.116 Mobile Safari/537.36 XWEB/1110005 " +
		"MMWEBSDK/20230805 MMWEBID/4650 MicroMessenger/8.0.42.2460(0x28002A58) WeChat/arm64 Weixin " +
		"NetType/WIFI Language/zh_CN ABI/arm64"}
	windows = look{agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) " +
		"Chrome/122.0.0.0 Safari/537.36 NetType/WIFI MicroMessenger/7.0.20.1781(0x6700143B) " +
		"WindowsWechat(0x63090c11) XWEB/11581 Flue", wide: true}
	harmonyOS = look{agent: "Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko) " +
		"Chrome/114.0.0.0 Safari/537.36 ArkWeb/4.1.6.1 Mobile MicroMessenger/8.0.10.41(0xf3100a29) Weixin " +
		"NetType/WIFI Language/zh_HK MMWEBID/2907 MMWEBSDK/202508070004 XWEB/1140319", language: "zh-HK"}

	desktopChrome = look{agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) " +
		"Chrome/138.0.0.0 Safari/537.36", wide: true}
	phoneBrowser = look{agent: "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) " +
		"Chrome/138.0.0.0 Mobile Safari/537.36"}
)
