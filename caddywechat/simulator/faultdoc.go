package simulator

// faultDoc explains a kind of fault.
type faultDoc struct {
	Kind   FaultKind
	ZH, EN string
}

var faultDocs = []faultDoc{
	{FaultDelay, "等 delay 之后正确回答", "the right answer, after delay"},
	{FaultHang, "一直不回答", "no answer at all"},
	{FaultStatus, "HTTP 错误 status（默认 503）和代理的页面", "HTTP error status (503 unless said) with the page of a proxy"},
	{FaultHTML, "HTTP 200，但内容是网页", "HTTP 200, but a web page"},
	{FaultErrcode, "微信的错误码 errcode；只用于接口，不用于页面", "WeChat's error code errcode; for the API only, not for pages"},
	{FaultEmpty, "HTTP 200，没有内容", "HTTP 200 with nothing"},
	{FaultOversized, "很长的 JSON，bytes 字节（默认 16 MiB）", "very long JSON of so many bytes (16 MiB unless said)"},
	{FaultCut, "内容到一半时断开连接", "the connection ends in the middle"},
}
