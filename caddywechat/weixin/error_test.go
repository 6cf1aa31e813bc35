package weixin

import (
	"strings"
	"testing"
)

func TestError_TellsWhichRefuseACode(t *testing.T) {
	refusing := map[int]bool{40029: true, 40163: true, 42003: true}
	for code := -1; code < 100_000; code++ {
		if got := (&Error{Code: code}).RefusesCode(); got != refusing[code] {
			t.Errorf("errcode %d: %v", code, got)
		}
	}
}

func TestCure_SaysSomethingForEveryCode(t *testing.T) {
	for code, cure := range weComCures {
		if len(cure) < 20 && !strings.HasSuffix(cure, "wait") || (&Error{Code: code}).RefusesCode() {
			t.Errorf("errcode %d of WeCom: %q", code, cure)
		}
	}
	for _, code := range []int{40001, 40013, 40056, 40058, 48002, 50001, 60011, 60020, 301002} {
		if Cure(&Error{Code: code, WeCom: true}) == "" {
			t.Errorf("errcode %d of WeCom: nobody says what to do", code)
		}
	}
	if weChats, weComs := Cure(&Error{Code: 40013}), Cure(&Error{Code: 40013, WeCom: true}); weChats == weComs {
		t.Errorf("a corp id is no app id: %q", weComs)
	}
	for code, cure := range cures {
		if len(cure) < 20 || (&Error{Code: code}).RefusesCode() {
			t.Errorf("errcode %d: %q", code, cure)
		}
	}
	for _, code := range []int{0, 40029, 40163, 42003} {
		if cure := Cure(&Error{Code: code}); cure != "" {
			t.Errorf("errcode %d: an operator can do nothing, not %q", code, cure)
		}
	}
	for _, code := range []int{40001, 40013, 40125, 40164, 48001, 50001} {
		if Cure(&Error{Code: code}) == "" {
			t.Errorf("errcode %d: nobody says what to do", code)
		}
	}
}

func TestError_IsOneShortLine(t *testing.T) {
	long := "invalid code\r\n{\"level\":\"fatal\"}\x1b[31m" + strings.Repeat("x", 5000)
	got := (&Error{Code: 40029, Message: long}).Error()
	if len(got) > 400 || strings.ContainsAny(got, "\r\n\x1b") || !strings.Contains(got, "40029") {
		t.Errorf("got %q", got)
	}
}

// The consoles have moved: a cure that is about one says which and where in it.
func TestCure_NamesPlaces(t *testing.T) {
	const service, mini = "developers.weixin.qq.com/platform → 我的业务 → 服务号", "mp.weixin.qq.com"
	for code, parts := range map[int][]string{
		40001: {service, "开发密钥", mini, "open.weixin.qq.com"},
		40013: {service, "基础信息", mini, "open.weixin.qq.com"},
		40125: {service, "开发密钥", mini, "open.weixin.qq.com"},
		40164: {service, "IP 白名单", mini},
		40243: {service, "开发密钥", mini, "unfreeze"},
		89501: {service, "IP 白名单", mini, "administrator"},
		89503: {service, "IP 白名单", mini, "administrator"},
		89506: {service, "IP 白名单", mini, "24 hours"},
		89507: {service, "IP 白名单", mini, "an hour"},
	} {
		for _, part := range parts {
			if cure := Cure(&Error{Code: code}); !strings.Contains(cure, part) {
				t.Errorf("errcode %d: %q is not in %q", code, part, cure)
			}
		}
	}
	for _, code := range []int{40001, 40091, 50001, 50003, 60011, 60020} {
		if cure := Cure(&Error{Code: code, WeCom: true}); !strings.Contains(cure, "work.weixin.qq.com") {
			t.Errorf("errcode %d of WeCom: %q", code, cure)
		}
	}
}
