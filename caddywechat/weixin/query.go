package weixin

import "net/url"

// query is a query string in the order in which it is written, which WeChat's pages check.
type query []byte

// with appends a parameter.
func (q query) with(name, value string) query {
	if len(q) > 0 {
		q = append(q, '&')
	}
	q = append(q, name...)
	q = append(q, '=')
	return append(q, url.QueryEscape(value)...)
}
