package weixin

import (
	"net/url"
	"strings"
)

// query is a query string in the order in which it is written, which WeChat's pages check.
type query []string

// with appends a parameter.
func (q query) with(name, value string) query {
	return append(q, name+"="+url.QueryEscape(value))
}

func (q query) encode() string { return strings.Join(q, "&") }
