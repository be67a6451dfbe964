<?php
// What the business worker does with a message: it goes back to the client that it came from.

use GatewayWorker\Lib\Gateway;

class Events
{
    public static function onMessage($clientId, $box)
    {
        Gateway::sendToCurrentClient($box);
    }
}
