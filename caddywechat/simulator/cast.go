package simulator

import "strings"

// Cast returns the people that a simulator has of itself: 小明, 阿芳, 老王 and Emma 🐳. In WeCom the first two are members,
// and 老王 is known to the company.
func Cast() []Person {
	return []Person{
		{ID: "xiaoming", Nickname: "小明", Avatar: "明"},
		{ID: "afang", Nickname: "阿芳", Avatar: "芳", UserID: "AFang", Departments: "2,7"},
		{ID: "laowang", Nickname: "老王", Avatar: "王", WeCom: External},
		{ID: "emma", Nickname: "Emma 🐳", Avatar: "E", WeCom: Stranger},
	}
}

// Nasty returns people whose profiles apps get wrong. Every simulator knows them and they may always hold the phone,
// but its pages show them only with the quirk NastyPeople.
//
// WeChat's apps don't let people take every one of these names; what they accept has changed over the years, and names
// from before are still about.
func Nasty() []Person {
	return []Person{
		// More bytes than a three-byte column holds, and more code points than characters on the screen.
		{ID: "nasty-emoji", Nickname: "👩🏽‍🚀🏳️‍🌈 𠮷 e\u0301", Avatar: "🐳"},
		// The start of a header, a colour for terminals, writing from right to left, and a line break of JavaScript's.
		{ID: "nasty-lines", Nickname: "一\r\nX-Evil: 1\n\n二\t\x00\x1b[31m\u202e三\u2028", Avatar: "\n"},
		{ID: "nasty-markup", Nickname: `"><script>alert('阿七')</script><!-- &amp; \u003c`, Avatar: "<"},
		{ID: "nasty-placeholder", Nickname: "{env.PATH} {http.request.host} ${PATH} {{.}} %s %41", Avatar: "{"},
		{ID: "nasty-sql", Nickname: `Robert'); DROP TABLE students;-- \`, Avatar: "'"},
		{ID: "nasty-long", Nickname: strings.Repeat("长", 512), Avatar: "长"},
		{ID: "nasty-faceless", Nickname: "没有头像"},
		{ID: "nasty-empty"},
	}
}
