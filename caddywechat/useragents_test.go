package caddywechat

// User-Agent headers of browsers.
const (
	inWeChat = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
		"Mobile/15E148 MicroMessenger/8.0.59(0x18003b28) NetType/WIFI Language/zh_CN"
	inWeCom = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
		"Mobile/15E148 wxwork/4.1.36 MicroMessenger/7.0.1 Language/zh ColorScheme/Light"
	onDesktop = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36"
	onPhone   = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) " +
		"Chrome/132.0.0.0 Mobile Safari/537.36"

	weChatOnDesktop = onDesktop +
		" NetType/WIFI MicroMessenger/7.0.20.1781(0x6700143B) WindowsWechat(0x63090c11) XWEB/11581 Flue"
	inMiniProgram = inWeChat + " miniProgram/wx2c1c63e28bb33be1"
	inAlipay      = onPhone + " AlipayClient/10.5.88.8000 Language/zh-Hans"
	inDingTalk    = onPhone +
		" AliApp(DingTalk/7.5.10) com.alibaba.android.rimet/38254011 Channel/227200 language/zh-CN"
	inQQ = onPhone + " V1_AND_SQ_9.0.0_0_TIM_D QQ/9.0.0.14110 NetType/WIFI WebP/0.3.0"
)
