package simulator_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// In any language, a test speaks HTTP with a simulator that runs on its own, here with one that was started with
// "caddywechat wechat simulator".
func Example_http() {
	base := running()

	// Before each test: back to how it was started. Then the person and the trouble that this test is about.
	send("POST", base+"/simulator/reset", "")
	send("PUT", base+"/simulator/holder", `{"person":"nasty-placeholder"}`)
	send("PATCH", base+"/simulator/quirks", `{"errmsg":"hints"}`)
	send("POST", base+"/simulator/faults",
		`{"path":"/sns/oauth2/access_token","kind":"errcode","errcode":-1,"times":1}`)

	// The app under test logs somebody in. This is the part of its own server.
	exchange := url.Values{
		"appid": {simulator.DemoAppID}, "secret": {simulator.DemoSecret}, "code": {"081UcAFa1s1OAz0o7wGa1wb8vG1UcAFX"},
		"grant_type": {"authorization_code"},
	}
	for range 2 {
		answer := send("GET", base+"/sns/oauth2/access_token?"+exchange.Encode(), "")
		fmt.Println(answer[:strings.Index(answer, ",")])
	}

	// What was asked, waiting for it if need be.
	calls := send("GET", base+"/simulator/calls?path=/sns/oauth2/access_token&since=0&wait=2s", "")
	fmt.Println(strings.Count(calls, `"method":"GET"`), "exchanges")

	// A slip is told.
	fmt.Println(send("PUT", base+"/simulator/holder", `{"name":"emma"}`))

	// Output:
	// {"errcode":-1
	// {"errcode":40029
	// 2 exchanges
	// {"error":"there is no \"name\": there are person"}
}

func running() (base string) {
	sim, err := simulator.New(simulator.Config{})
	if err != nil {
		log.Fatal(err)
	}
	return httptest.NewServer(sim).URL
}

func send(method, url, body string) string {
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		log.Fatal(err)
	}
	return strings.TrimSpace(string(answer))
}
