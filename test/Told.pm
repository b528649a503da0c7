# Told: prove's harness, which also prints what failed: the test's line and what
# it says after it. Used by the Makefile (PERL5LIB=test prove --harness Told).
package Told;

use strict;
use warnings;
use parent 'TAP::Harness';

use File::Basename;

my $LINES = 120;   # of a failed test, at most

sub new {
    my $self = shift->SUPER::new(@_);
    $self->callback(made_parser => sub { say_failed(@_) });
    return $self;
}

sub say_failed {
    my ($parser, $job) = @_;
    my ($left, $name) = (0, basename($job->[0]));
    $parser->callback(ALL => sub {
        my $r = shift;
        if ($r->is_test) {
            $left = $r->is_actual_ok ? 0 : $LINES;
        }
        return if $left-- <= 0;
        print "\n" if $r->is_test;
        print "$name: ", $r->raw, "\n";
    });
}

1;
