<?php
// GatewayWorker with one gateway and one business worker, each a process: the worker answers a box
// with the body that came. Says "ready 127.0.0.1:PORT" when the worker is connected.
//
//   php gatewayworker.php start FOLDER REGISTER_PORT CLIENT_PORT INNER_PORT STATE_FOLDER
//
// FOLDER is where composer has installed it; "start" is what Workerman wants to read there.

use GatewayWorker\BusinessWorker;
use GatewayWorker\Gateway;
use GatewayWorker\Register;
use Workerman\Worker;

[, , $folder, $registerPort, $clientPort, $innerPort, $state] = $argv;
require "$folder/vendor/autoload.php";
require __DIR__ . '/gatewayworker_box.php';
require __DIR__ . '/gatewayworker_events.php';

Worker::$pidFile = "$state/pid";
Worker::$statusFile = "$state/status";
Worker::$logFile = "$state/log";
$registerAddress = "127.0.0.1:$registerPort";

$register = new Register("text://$registerAddress");
$register->name = 'Register';

$gateway = new Gateway("tcp://127.0.0.1:$clientPort");
$gateway->protocol = Box::class;
$gateway->name = 'Gateway';
$gateway->count = 1;
$gateway->lanIp = '127.0.0.1';
$gateway->startPort = (int) $innerPort;
$gateway->registerAddress = $registerAddress;
$gateway->onBusinessWorkerConnected = function () use ($clientPort) {
    fwrite(STDOUT, "ready 127.0.0.1:$clientPort\n");
};

$worker = new BusinessWorker();
$worker->name = 'BusinessWorker';
$worker->count = 1;
$worker->registerAddress = $registerAddress;
$worker->eventHandler = Events::class;

Worker::runAll();
