<?php
// The boxes of the benchmarks as one of Workerman's protocols: a header of 24 bytes, whose third
// number is the length of all.

class Box
{
    public static function input($bytes)
    {
        return strlen($bytes) < 24 ? 0 : unpack('N', $bytes, 8)[1];
    }

    public static function encode($box)
    {
        return $box;
    }

    public static function decode($box)
    {
        return $box;
    }
}
