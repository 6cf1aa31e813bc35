package config

import (
	"strings"
	"testing"
	"time"
)

const goodKey = "k3yOfThirtyTwoBytesOrMore/=+0123456789"

// values are good and bad examples of what each check judges.
var values = map[string]struct {
	check     Check
	good, bad []string
}{
	"app id": {
		AppID,
		[]string{"wx0123456789abcdef", "ww0123456789abcdef", "gh_1-2"},
		[]string{"", " ", "wx 1", "wx1\n", "wx1&secret=x", "wx1#", "张三", "{x}", "wx/1", "<wx1>"},
	},
	"app secret": {
		AppSecret,
		[]string{"5ec2e75ec2e75ec2e75ec2e75ec2e75e", "a!\"#$%&'()*+,-./:;<=>?@[]^_`|~0123", strings.Repeat("s", 43)},
		[]string{
			"", " ", "5ec2e75e c2e75ec2", "5ec2e75e\n", "\t5ec2e75e", "密钥5ec2e75e", "5ec2\x00e7", "5ec2\u200be7",
			"wx0123456789abcdef", "ww0123456789abcdef", "5ec2e75ec2e75ec2e75ec2e75ec2e75", strings.Repeat("x", 32),
			strings.Repeat("X", 43), strings.Repeat("*", 32), "your-app-secret-0123456789abcdef01",
			"YOUR_SECRET_0123456789abcdef0123456", "changeme-0123456789abcdef0123456789", "SECRET", "APPSECRET",
			"APP_SECRET", "YOUR_APP_SECRET", "your_app_secret", "your-app-secret",
		},
	},
	"corp id": {
		CorpID,
		[]string{"ww0123456789abcdef", "wx0123456789abcdef"},
		[]string{"", " ", "ww 1", "ww1/x", "企业", "{x}"},
	},
	"agent id": {
		AgentID,
		[]string{"1", "1000002", "4294967295"},
		[]string{"", "0", "-1", "+1", "01", "1.5", "1e6", "4294967296", "agent", " 1", "1000002\n", "１"},
	},
	"key": {
		Key,
		[]string{goodKey, strings.Repeat("x", 32), "ein Satz mit Leerzeichen, lang genug", "一把足够长的钥匙，超过三十二字节"},
		[]string{
			"", "short-k3y-0f-n0-use", strings.Repeat("x", 31), "changeme-changeme-changeme-changeme",
			"CHANGE-ME-CHANGE-ME-CHANGE-ME-CHANGE-ME", "change_me_0123456789012345678901234",
			"your-secret-key-of-at-least-32-bytes", "YOUR_SECRET_KEY_OF_AT_LEAST_32_BYTES",
			"an example key of more than 32 bytes", "replaceme0123456789012345678901234",
		},
	},
	"duration": {
		Duration,
		[]string{"5s", "12h", "7d", "1d12h", "500ms", "0.5d", "1h30m"},
		[]string{
			"", "0", "0s", "-5s", "-1d", "5", "5 s", "week", "7D", "1e9d", "d", "99999999999h", "5s ", "NaNd",
			strings.Repeat("1", 2000),
		},
	},
	"origin": {
		Origin,
		[]string{
			"https://h5.example.com", "https://h5.example.com/", "http://h5.example.com:8080", "HTTPS://H5.Example.com",
			"https://[::1]:8443", "https://xn--fsqu00a.xn--0zwm56d",
		},
		[]string{
			"", "h5.example.com", "//h5.example.com", "https://", "https:///x", "https://:443", "https:h5.example.com",
			"ftp://h5.example.com", "javascript://h5.example.com", "https://h5.example.com/app",
			"https://h5.example.com?x", "https://h5.example.com/#", "https://h5.example.com#x",
			"https://user@h5.example.com", "https://user:pw@h5.example.com", "https://h5.example.com:port",
			"https://h5 example.com", "https://h5.example.com\n", "https://%zz", "http://[::1", "https://例子.测试",
			"https://h5.example.com:", "https://h5.example.com:99999", "https://h5.example.com:0",
		},
	},
	"platform": {
		Platform,
		[]string{
			"https://sim.example.com", "https://sim.example.com:8443/wechat", "https://sim.example.com/",
			"http://127.0.0.1:8900", "http://127.9.9.9", "http://[::1]:8900", "http://localhost:8900",
			"http://wechat.localhost", "http://10.0.0.7", "http://172.16.3.4:80", "http://192.168.1.2",
			"http://[fd00::7]", "http://[::ffff:10.0.0.7]",
		},
		[]string{
			"", "sim.example.com", "http://sim.example.com", "http://8.8.8.8", "http://[2001:db8::1]",
			"http://172.32.0.1", "http://localhost.evil.com", "http://127.0.0.1.evil.com", "http://127.0.0.1@evil.com",
			"http://evil.com#127.0.0.1", "http://evil.com?127.0.0.1", "http://2130706433", "http://0x7f.1",
			"http://[::ffff:8.8.8.8]", "http://0.0.0.0", "ftp://127.0.0.1", "https://user:pw@sim.example.com",
			"https://sim.example.com/?a=b", "https://sim.example.com/#x", "https://:443", "http://evillocalhost",
			"http://[fe80::1]", "http://169.254.1.1", "http://127.0.0.1:99999", "https://api.weixin.qq.com",
		},
	},
	"prefix": {
		Prefix,
		[]string{"/_wechat", "/auth/wx", "/.well-known/wechat", "/a-b_c.d"},
		[]string{
			"", "/", "_wechat", "/_wechat/", "//_wechat", "/_wechat//x", "/./x", "/..", "/x/../y", "/x/.", "/a b",
			"/%5f", "/微信", "/x?y", "/x#y", "/x*", "/{x}", `/x\y`, "/x;y", "/x\n", "https://h5.example.com/_wechat",
		},
	},
	"one of": {
		OneOf("page", "pass"),
		[]string{"page", "pass"},
		[]string{"", "Page", "pages", "page pass", "page or pass", " page"},
	},
}

func TestChecks_JudgeValues(t *testing.T) {
	for name, tt := range values {
		t.Run(name, func(t *testing.T) {
			for _, value := range tt.good {
				if err := tt.check(value); err != nil {
					t.Errorf("%q: %v", value, err)
				}
			}
			for _, value := range tt.bad {
				err := tt.check(value)
				if err == nil {
					t.Errorf("%q is taken", value)
					continue
				}
				if msg := err.Error(); len(msg) > 300 || strings.ContainsAny(msg, "\r\n\t\x00") {
					t.Errorf("%q: the error is no short line: %q", value, msg)
				}
			}
		})
	}
}

// What follows an URL's question mark would swallow the path of every call.
func TestPlatform_HasNoQueryNotEvenAnEmptyOne(t *testing.T) {
	for _, value := range []string{"https://sim.example.com?", "http://127.0.0.1:8900/?"} {
		if Platform(value) == nil {
			t.Errorf("%q is taken", value)
		}
	}
}

func TestChecks_HaveNoSecretInErrors(t *testing.T) {
	const part = "s3cr3t-p4rt"
	for _, secret := range []string{
		part, part + " " + part, part + "\n", "密钥" + part, "changeme" + strings.Repeat(part, 4), part + "{x}" + part,
	} {
		for name, check := range map[string]Check{"app secret": AppSecret, "key": Key} {
			if err := check(secret); err != nil && strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error holds it: %v", name, err)
			}
		}
	}
	for _, url := range []string{
		"https://user:" + part + "@h5.example.com", "http://user:" + part + "@8.8.8.8/", "ftp://" + part + "@x",
		"https://a:" + part + "@b:" + part + "@c", "https://user:" + part + "@%zz",
	} {
		for name, check := range map[string]Check{"origin": Origin, "platform": Platform} {
			if err := check(url); err == nil || strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error holds the password: %v", name, err)
			}
		}
	}
}

func TestParseDuration_TakesDays(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"5s": 5 * time.Second, "12h": 12 * time.Hour, "7d": 7 * 24 * time.Hour, "1d12h": 36 * time.Hour,
		"0.5d": 12 * time.Hour, "1ns": 1,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%s = %s, %v, want %s", text, got, err, want)
		}
	}
}

func FuzzChecks_NeverPanic(f *testing.F) {
	for _, tt := range values {
		for _, value := range append(tt.good, tt.bad...) {
			f.Add(value)
		}
	}
	f.Fuzz(func(t *testing.T, value string) {
		for name, tt := range values {
			if err := tt.check(value); err != nil && len(err.Error()) > 1000 {
				t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
			}
		}
	})
}
