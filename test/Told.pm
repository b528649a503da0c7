# Told: prove's harness, which also prints what failed: the test's line and what
# it says after it, at once, and the beginning of it once more at the very end,
# which is all that is kept of some logs. Used by the Makefile (PERL5LIB=test
# prove --harness Told).
package Told;

use strict;
use warnings;
use parent 'TAP::Harness';

use File::Basename;

my $LINES = 120;   # of a failed test, at most
my $AGAIN = 12;    # of it, at the end
my @failed;        # lines

sub new {
    my $self = shift->SUPER::new(@_);
    $self->callback(made_parser => sub { say_failed(@_) });
    return $self;
}

sub keep {
    my @lines = @_;
    splice(@lines, $AGAIN, @lines - $AGAIN, '  ...') if @lines > $AGAIN;
    push @failed, @lines;
}

sub say_failed {
    my ($parser, $job) = @_;
    my ($left, $name) = (0, basename($job->[0]));
    my @said;
    $parser->callback(ALL => sub {
        my $r = shift;
        if ($r->is_test || $r->is_plan) {
            keep(@said) if @said;
            @said = ();
            $left = $r->is_test && !$r->is_actual_ok ? $LINES : 0;
        }
        return if $left-- <= 0;
        my $line = "$name: " . $r->raw;
        print "\n" if $r->is_test;
        print "$line\n";
        push @said, $line;
    });
    $parser->callback(EOF => sub {
        keep(@said) if @said;
        @said = ();
    });
}

sub summary {
    my $self = shift;
    $self->SUPER::summary(@_);
    print "\nWhat failed:\n", map({ "$_\n" } @failed) if @failed;
}

1;
