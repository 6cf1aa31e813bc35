<?php
// The whole of what a legacy app does to know who is asking. Nobody can forge this header: the gate removes every one
// that does not come from itself, as long as the app can only be reached through it.
$user = $_SERVER['HTTP_X_WECHAT_USER'] ?? '';
?>
<!doctype html>
<meta charset="utf-8">
<title>订单</title>
<h1>你好，<?= htmlspecialchars($user) ?></h1>
<p><a href="/about.php">关于</a> · <a href="/_wechat/logout?return_to=/about.php">退出</a></p>
