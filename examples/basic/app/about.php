<!doctype html>
<meta charset="utf-8">
<title>关于</title>
<h1>这个页面无需登录</h1>
<p><a href="/">我的订单</a></p>
